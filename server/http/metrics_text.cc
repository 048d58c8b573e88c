#include "server/http/metrics_text.h"

#include <algorithm>
#include <limits>
#include <tuple>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"

namespace tweedie {
namespace {

constexpr MetricFamily kFamilies[] = {
    {"process_cpu_seconds_total", "counter", "Processor time of the server."},
    {"process_max_fds", "gauge", "Descriptors that the server may have."},
    {"process_open_fds", "gauge", "Descriptors that the server has."},
    {"process_resident_memory_bytes", "gauge", "Resident memory of the server."},
    {"tweedie_admission_rejections_total", "counter", "Calls refused for want of room, by reason."},
    {"tweedie_allocator_bytes", "gauge", "Tensors, weights and scratch memory on the device."},
    {"tweedie_batch_padding_rows_total", "counter", "Rows that filled network calls up to a size."},
    {"tweedie_batch_rows", "histogram", "Rows of one network call."},
    {"tweedie_connections_refused_total", "counter", "Connections that were not taken."},
    {"tweedie_db_commit_seconds", "histogram", "Time of a write to the queue, to its commit."},
    {"tweedie_disk_free_bytes", "gauge", "Free room on the disk of the data folder."},
    {"tweedie_disk_reserve_held", "gauge", "1 while there is room for new jobs, otherwise 0."},
    {"tweedie_engine_jobs", "gauge", "Jobs that the engine steps."},
    {"tweedie_engine_stalled_seconds", "gauge", "For how long the engine is in one step or load."},
    {"tweedie_executor_tasks", "gauge", "Calls that wait for a thread or are worked on."},
    {"tweedie_fence_rejections_total", "counter", "Writes refused because a lease was lost."},
    {"tweedie_http_body_bytes", "gauge", "Bytes of the dashboard's requests in hand."},
    {"tweedie_http_streams", "gauge", "Open streams of the dashboard."},
    {"tweedie_jobs", "gauge", "Jobs in the store, by state."},
    {"tweedie_jobs_finished_total", "counter", "Jobs that this server ended, by outcome."},
    {"tweedie_jobs_quarantined_total", "counter", "Jobs ended because they killed the server."},
    {"tweedie_jobs_rescued_total", "counter", "Jobs put back because their lease ran out."},
    {"tweedie_jobs_submitted_total", "counter", "Jobs created here."},
    {"tweedie_leases_given_up_total", "counter", "Jobs dropped for want of a heartbeat."},
    {"tweedie_queue_oldest_seconds", "gauge", "Age of the oldest queued job; 0 if there is none."},
    {"tweedie_relays", "gauge", "Streams wanted from other servers."},
    {"tweedie_request_bytes", "gauge", "Bytes of requests to create jobs in hand."},
    {"tweedie_read_bytes", "gauge", "Bytes of results and measurements that streams read."},
    {"tweedie_running_jobs", "gauge", "Jobs whose lease this server holds."},
    {"tweedie_step_seconds", "histogram", "Time of an engine step, by the rows of its call."},
    {"tweedie_store_errors_total", "counter", "Failed calls of the store or the blobs, by call."},
    {"tweedie_streams", "gauge", "Open server streams of all kinds."},
    {"tweedie_watch_merged_total", "counter", "Events that slow readers were spared."},
    {"tweedie_watchers", "gauge", "Subscriptions to single jobs."},
};

// A series in parts; `name` is a{b="c"} as it was given.
struct Series {
  absl::string_view name;
  absl::string_view family;
  absl::string_view labels;  // `{b="c"`, without `le`; `{` if there are none
  double bound = std::numeric_limits<double>::infinity();
  bool is_bucket = false;
  double value = 0;
};

bool IsFamily(absl::string_view name, absl::string_view kind) {
  const auto families = MetricFamilies();
  return std::any_of(families.begin(), families.end(), [&](const MetricFamily& family) {
    return family.name == name && (kind.empty() || family.kind == kind);
  });
}

absl::string_view FamilyOf(absl::string_view bare) {
  if (IsFamily(bare, "")) return bare;
  for (const char* suffix : {"_bucket", "_sum", "_count"}) {
    absl::string_view stem = bare;
    if (absl::ConsumeSuffix(&stem, suffix) && IsFamily(stem, "histogram")) return stem;
  }
  return bare;
}

constexpr absl::string_view kBound = "le=\"";

// Infinity for "+Inf", and where there is none.
double BoundOf(absl::string_view labels) {
  double bound = std::numeric_limits<double>::infinity();
  const size_t at = labels.find(kBound);
  if (at == labels.npos) return bound;
  const absl::string_view text = labels.substr(at + kBound.size());
  return absl::SimpleAtod(text.substr(0, text.find('"')), &bound) ? bound : 0;
}

absl::string_view WithoutBound(absl::string_view labels) {
  const absl::string_view others = labels.substr(0, labels.find(kBound));
  return absl::StripSuffix(absl::StripSuffix(others, ","), "}");
}

Series Parse(absl::string_view name, double value) {
  const size_t brace = std::min(name.find('{'), name.size());
  const absl::string_view bare = name.substr(0, brace);
  const absl::string_view labels = brace == name.size() ? "{" : name.substr(brace);
  Series series;
  series.name = name;
  series.value = value;
  series.family = FamilyOf(bare);
  series.is_bucket = series.family != bare && absl::EndsWith(bare, "_bucket");
  series.labels = series.is_bucket ? WithoutBound(labels) : absl::StripSuffix(labels, "}");
  if (series.is_bucket) series.bound = BoundOf(labels);
  return series;
}

bool Before(const Series& a, const Series& b) {
  const auto key = [](const Series& one) {
    return std::make_tuple(one.family, one.labels, !one.is_bucket, one.bound, one.name);
  };
  return key(a) < key(b);
}

void AppendHead(absl::string_view name, std::string& text) {
  for (const MetricFamily& family : MetricFamilies()) {
    if (family.name != name) continue;
    absl::StrAppend(&text, "# HELP ", name, " ", family.help, "\n", "# TYPE ", name, " ",
                    family.kind, "\n");
  }
}

}  // namespace

absl::Span<const MetricFamily> MetricFamilies() { return kFamilies; }

std::string MetricsText(const std::map<std::string, double>& values) {
  std::vector<Series> all;
  for (const auto& [name, value] : values) all.push_back(Parse(name, value));
  std::sort(all.begin(), all.end(), Before);
  std::string text;
  absl::string_view family;
  for (const Series& series : all) {
    if (series.family != family) AppendHead(series.family, text);
    family = series.family;
    absl::StrAppendFormat(&text, "%s %.17g\n", series.name, series.value);
  }
  return text;
}

}  // namespace tweedie
