#include "server/convert/task_proto.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include <functional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "core/base/field_error.h"
#include "server/convert/task_tensors.h"
#include "tests/testing/status_matchers.h"
#include "tests/unit/convert/equals_proto.h"
#include "tests/unit/convert/measured_requests.h"

namespace tweedie {
namespace {

using ::testing::HasSubstr;
using Process = v1::ReverseProcess;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

// A measurement as a reported job shows it.
v1::Measurement Reported() {
  v1::Measurement measurement = BoxMeasurement();
  measurement.mutable_simulate_from()->Clear();
  return measurement;
}

void SetProcess(Process* process, Process::Kind kind) {
  process->set_kind(kind);
  process->set_num_steps(7);
  process->set_spacing(Process::TRAILING);
  process->set_clip_x0(false);
  if (kind == Process::DDIM) process->set_eta(0.3);
  if (kind == Process::DDPM) process->set_variance(Process::FIXED_LARGE);
}

void SetLevels(Process* process) {
  process->set_num_steps(9);
  process->set_spacing(Process::LINSPACE);
  process->set_clip_x0(true);
}

// Every task with every field set, no two of one number.
std::vector<v1::Job> AllTasks() {
  std::vector<v1::Job> all(12);
  SetProcess(all[0].mutable_sample()->mutable_process(), Process::DPM_SOLVER_PP_2M);
  all[0].mutable_sample()->set_num_images(3);
  SetProcess(all[1].mutable_denoise()->mutable_process(), Process::DDPM);
  all[1].mutable_denoise()->set_noise_sigma(0.4);
  all[1].mutable_denoise()->set_add_noise(true);
  v1::SdeditTask* guided = all[2].mutable_sdedit();
  guided->mutable_guide();
  guided->set_strength(0.6);
  guided->set_num_repeats(3);
  SetProcess(guided->mutable_process(), Process::DDIM);
  v1::SdeditTask* measured = all[3].mutable_sdedit();
  *measured->mutable_measurement() = Reported();
  measured->set_strength(0);  // set, though no strength: the core refuses it
  measured->set_keep_measured(true);
  SetProcess(measured->mutable_process(), Process::DDPM);
  v1::AldTask* ald = all[4].mutable_ald();
  *ald->mutable_measurement() = Reported();
  ald->set_prior(v1::AldTask::LANGEVIN);
  SetLevels(ald->mutable_process());
  ald->set_steps_per_level(5);
  ald->set_step_size(0.11);
  ald->set_gamma_scale(0.12);
  ald->set_likelihood_scale(0.13);
  v1::DpsTask* dps = all[5].mutable_dps();
  *dps->mutable_measurement() = Reported();
  SetProcess(dps->mutable_process(), Process::DDIM);
  dps->set_zeta(0);
  dps->set_objective(v1::DpsTask::SQUARED_NORM);
  v1::DdnmTask* ddnm = all[6].mutable_ddnm();
  *ddnm->mutable_measurement() = Reported();
  SetLevels(ddnm->mutable_process());
  ddnm->set_eta(0.14);
  ddnm->set_travel_length(4);
  ddnm->set_travel_repeats(6);
  v1::DdrmTask* ddrm = all[7].mutable_ddrm();
  *ddrm->mutable_measurement() = Reported();
  SetLevels(ddrm->mutable_process());
  ddrm->set_eta(0.15);
  ddrm->set_eta_b(0.16);
  v1::PigdmTask* pigdm = all[8].mutable_pigdm();
  *pigdm->mutable_measurement() = Reported();
  SetProcess(pigdm->mutable_process(), Process::DDIM);
  v1::DiffpirTask* diffpir = all[9].mutable_diffpir();
  *diffpir->mutable_measurement() = Reported();
  SetLevels(diffpir->mutable_process());
  diffpir->set_lambda(0.17);
  diffpir->set_zeta(0.18);
  v1::ReddiffTask* reddiff = all[10].mutable_reddiff();
  *reddiff->mutable_measurement() = Reported();
  SetLevels(reddiff->mutable_process());
  reddiff->set_learning_rate(0.19);
  reddiff->set_prior_weight(0.21);
  reddiff->set_data_weight(0.22);
  v1::RepaintTask* repaint = all[11].mutable_repaint();
  *repaint->mutable_measurement() = Reported();
  SetProcess(repaint->mutable_process(), Process::DDPM);
  repaint->set_jump_length(12);
  repaint->set_num_resamples(13);
  for (v1::Job& job : all) {
    job.set_seed(5);
    if (!job.has_sample()) job.set_samples_per_image(2);
    job.add_class_labels(8);
  }
  return all;
}

// Gives the task the tensors that its message tells of, as reading them would.
void AddTensors(const v1::Job& job, TaskSpec* spec) {
  if (auto* sdedit = std::get_if<SdeditTask>(&spec->task)) {
    if (job.sdedit().has_guide()) sdedit->guide = at::zeros({1, 1, 32, 32});
  }
  MeasurementSpec* measurement = MutableMeasurementOf(&spec->task);
  if (measurement != nullptr) measurement->simulate_from = at::zeros({1, 1, 32, 32});
}

TEST(TaskProtoTest, WritingWhatWasReadGivesTheMessageAgain) {
  for (const v1::Job& job : AllTasks()) {
    ASSERT_OK_AND_ASSIGN(TaskSpec spec, ReadTask(job));
    AddTensors(job, &spec);
    v1::Job written;
    WriteTask(spec, &written);
    EXPECT_THAT(written, EqualsProto(job));
  }
}

TEST(TaskProtoTest, EveryTaskOfTheProtoIsRead) {
  std::set<size_t> kinds;
  std::set<std::string> fields;
  for (const v1::Job& job : AllTasks()) {
    ASSERT_OK_AND_ASSIGN(const TaskSpec spec, ReadTask(job));
    kinds.insert(spec.task.index());
    fields.insert(std::string(TaskField(job)));
  }
  EXPECT_EQ(kinds.size(), std::variant_size_v<Task>);
  const auto* tasks = v1::Job::descriptor()->FindOneofByName("task");
  ASSERT_EQ(static_cast<int>(fields.size()), tasks->field_count());
  for (int i = 0; i < tasks->field_count(); ++i) {
    EXPECT_EQ(fields.count(tasks->field(i)->name()), 1U) << tasks->field(i)->name();
  }
}

TEST(TaskProtoTest, ValuesArriveInTheirFields) {
  const std::vector<v1::Job> all = AllTasks();
  const auto read = [&](size_t i) { return ReadTask(all[i])->task; };
  const auto sdedit = std::get<SdeditTask>(read(2));
  EXPECT_EQ(sdedit.strength, 0.6);
  EXPECT_EQ(sdedit.num_repeats, 3);
  EXPECT_FALSE(sdedit.measurement.has_value());
  EXPECT_TRUE(std::get<SdeditTask>(read(3)).keep_measured);
  EXPECT_TRUE(std::get<SdeditTask>(read(3)).measurement.has_value());
  const auto ald = std::get<AldTask>(read(4));
  EXPECT_EQ(ald.prior, AldPrior::kLangevin);
  EXPECT_EQ(ald.steps_per_level, 5);
  EXPECT_EQ(ald.step_size, 0.11);
  EXPECT_EQ(ald.gamma_scale, 0.12);
  EXPECT_EQ(ald.likelihood_scale, 0.13);
  const auto dps = std::get<DpsTask>(read(5));
  EXPECT_EQ(dps.zeta, 0);
  EXPECT_EQ(dps.objective, DpsObjective::kSquaredNorm);
  const auto ddnm = std::get<DdnmTask>(read(6));
  EXPECT_EQ(ddnm.eta, 0.14);
  EXPECT_EQ(ddnm.travel_length, 4);
  EXPECT_EQ(ddnm.travel_repeats, 6);
  EXPECT_EQ(ddnm.process.num_steps, 9);
  EXPECT_EQ(std::get<DdrmTask>(read(7)).eta, 0.15);
  EXPECT_EQ(std::get<DdrmTask>(read(7)).eta_b, 0.16);
  EXPECT_EQ(std::get<PigdmTask>(read(8)).process.eta, 0.3);
  EXPECT_EQ(std::get<DiffpirTask>(read(9)).lambda, 0.17);
  EXPECT_EQ(std::get<DiffpirTask>(read(9)).zeta, 0.18);
  const auto reddiff = std::get<ReddiffTask>(read(10));
  EXPECT_EQ(reddiff.learning_rate, 0.19);
  EXPECT_EQ(reddiff.prior_weight, 0.21);
  EXPECT_EQ(reddiff.data_weight, 0.22);
  EXPECT_EQ(std::get<RepaintTask>(read(11)).jump_length, 12);
  EXPECT_EQ(std::get<RepaintTask>(read(11)).num_resamples, 13);
}

TEST(TaskProtoTest, UnsetFieldsStayUnset) {
  for (const MeasuredTask& task : MeasuredTasks()) {
    v1::Job job;
    *task.add(&job) = Reported();
    ASSERT_OK_AND_ASSIGN(const TaskSpec spec, ReadTask(job));
    EXPECT_EQ(spec.samples_per_image, 1);
  }
  v1::Job job;
  *job.mutable_ald()->mutable_measurement() = Reported();
  ASSERT_OK_AND_ASSIGN(const TaskSpec spec, ReadTask(job));
  const auto& ald = std::get<AldTask>(spec.task);
  EXPECT_EQ(ald.prior, AldPrior::kAncestral);
  EXPECT_FALSE(ald.step_size || ald.gamma_scale || ald.likelihood_scale);
  EXPECT_EQ(ald.steps_per_level, 0);
}

TEST(TaskProtoTest, PigdmIsDdimUnlessAskedOtherwise) {
  v1::Job job;
  *job.mutable_pigdm()->mutable_measurement() = Reported();
  ASSERT_OK_AND_ASSIGN(const TaskSpec spec, ReadTask(job));
  EXPECT_EQ(std::get<PigdmTask>(spec.task).process.kind, ProcessKind::kDdim);
}

// --- Refusals ---------------------------------------------------------------

void ExpectRefused(const v1::Job& job, const std::string& field, const char* message) {
  SCOPED_TRACE(field);
  const auto spec = ReadTask(job);
  EXPECT_THAT(spec, StatusIs(kInvalid, HasSubstr(message)));
  EXPECT_EQ(FieldOf(spec.status()).value_or("(none)"), field);
}

TEST(TaskProtoTest, NoTaskIsRefusedNamingAll) {
  ExpectRefused({}, "task", "is required: one of sample, denoise, sdedit, ald, dps, ddnm");
}

TEST(TaskProtoTest, MeasurementIsRequired) {
  for (const MeasuredTask& task : MeasuredTasks()) {
    v1::Job job;
    task.add(&job);
    ExpectRefused(job, absl::StrCat(task.field, ".measurement.forward_operator"), "is required");
  }
  v1::Job job;
  job.mutable_dps();
  ExpectRefused(job, "dps.measurement", "is required");
  job.mutable_repaint();
  ExpectRefused(job, "repaint.measurement", "is required");
  job.mutable_sdedit();
  ExpectRefused(job, "sdedit.source", "is required: `guide` or `measurement`");
}

TEST(TaskProtoTest, UnknownEnumValuesAreRefusedByTheirField) {
  v1::Job job;
  *job.mutable_ald()->mutable_measurement() = Reported();
  job.mutable_ald()->set_prior(static_cast<v1::AldTask::Prior>(7));
  ExpectRefused(job, "ald.prior", "ANCESTRAL, LANGEVIN; was 7");
  *job.mutable_dps()->mutable_measurement() = Reported();
  job.mutable_dps()->set_objective(static_cast<v1::DpsTask::Objective>(-3));
  ExpectRefused(job, "dps.objective", "NORM, SQUARED_NORM; was -3");
  job.mutable_dps()->clear_objective();
  job.mutable_dps()->mutable_process()->set_spacing(static_cast<Process::Spacing>(9));
  ExpectRefused(job, "dps.process.spacing", "was 9");
}

TEST(TaskProtoTest, TasksWithARuleOfTheirOwnTakeOnlyLevels) {
  struct Rule {
    size_t task;
    std::function<Process*(v1::Job*)> process;
    const char* field;
  };
  const Rule rules[] = {
      {6, [](v1::Job* j) { return j->mutable_ddnm()->mutable_process(); }, "ddnm"},
      {7, [](v1::Job* j) { return j->mutable_ddrm()->mutable_process(); }, "ddrm"},
      {9, [](v1::Job* j) { return j->mutable_diffpir()->mutable_process(); }, "diffpir"},
      {10, [](v1::Job* j) { return j->mutable_reddiff()->mutable_process(); }, "reddiff"}};
  for (const Rule& rule : rules) {
    v1::Job job = AllTasks()[rule.task];
    Process* process = rule.process(&job);
    process->set_kind(Process::DDPM);
    ExpectRefused(job, absl::StrCat(rule.field, ".process.kind"), "must be unset");
    process->clear_kind();
    process->set_eta(0);
    ExpectRefused(job, absl::StrCat(rule.field, ".process.eta"), "must be unset");
    process->clear_eta();
    process->set_variance(Process::FIXED_SMALL);
    ExpectRefused(job, absl::StrCat(rule.field, ".process.variance"), "was FIXED_SMALL");
  }
  v1::Job pigdm = AllTasks()[8];
  pigdm.mutable_pigdm()->mutable_process()->set_kind(Process::DDPM);
  ExpectRefused(pigdm, "pigdm.process.kind", "must be DDIM; was DDPM");
}

}  // namespace
}  // namespace tweedie
