#include "tests/integration/hostile_cases.h"

#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/testing/test_client.h"
#include "tweedie/v1/tweedie_service.pb.h"

namespace tweedie {
namespace {

using grpc::StatusCode;

// A request in protobuf's text format.
struct TextCase {
  const char* name;
  const char* method;
  std::string text;
  const char* field;
  StatusCode code = StatusCode::INVALID_ARGUMENT;
};

const google::protobuf::Descriptor* RequestOf(const std::string& method) {
  return v1::CreateJobRequest::descriptor()
      ->file()
      ->FindServiceByName("Tweedie")
      ->FindMethodByName(method)
      ->input_type();
}

// The bytes of a request that is given as text.
std::string Bytes(const std::string& method, const std::string& text) {
  const std::unique_ptr<google::protobuf::Message> request(
      google::protobuf::MessageFactory::generated_factory()
          ->GetPrototype(RequestOf(method))
          ->New());
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, request.get())) << text;
  return request->SerializeAsString();
}

std::vector<HostileCase> FromText(const std::vector<TextCase>& cases) {
  std::vector<HostileCase> all;
  for (const TextCase& one : cases) {
    all.push_back({one.name, one.method, Bytes(one.method, one.text), {one.code}, one.field});
  }
  return all;
}

// `job { ... }` with what is given beside the model.
std::string Job(const std::string& rest) {
  return absl::StrCat("job { model: '", kModel, "' ", rest, " }");
}
std::string Process(const std::string& fields) {
  return Job(absl::StrCat("sample { process { ", fields, " } }"));
}
// An octal escape for each byte, as text format takes it.
std::string Escaped(const std::string& bytes) {
  std::string text;
  for (const unsigned char c : bytes) {
    char octal[5];
    std::snprintf(octal, sizeof(octal), "\\%03o", c);
    text += octal;
  }
  return text;
}
// One image of the model in text, of `value` everywhere.
std::string Image(float value = 0) {
  std::string pixels;
  for (int i = 0; i < 32 * 32; ++i) {
    pixels.append(reinterpret_cast<const char*>(&value), sizeof(value));
  }
  return absl::StrCat("tensor { data_type: FLOAT32 shape: [1, 1, 32, 32] data: '", Escaped(pixels),
                      "' }");
}
std::string Denoise(const std::string& images, const std::string& rest = "timestep: 1") {
  return Job(absl::StrCat("denoise { images { ", images, " } ", rest, " }"));
}
// A task with a measurement by an operator, of images.
std::string Measured(const std::string& forward_operator, const std::string& task = "dps",
                     const std::string& rest = "") {
  return Job(absl::StrCat(task, " { measurement { forward_operator { ", forward_operator,
                          " } simulate_from { ", Image(), " } } ", rest, " }"));
}

std::string Repeated(const std::string& text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

}  // namespace

std::vector<HostileCase> HostileNames() {
  std::vector<HostileCase> all;
  const std::pair<const char*, std::string> kBad[] = {
      {"Empty", ""},
      {"NoPrefix", "ended-job"},
      {"OnlyPrefix", "jobs/"},
      {"UpperCase", "jobs/UPPER"},
      {"Path", "jobs/../../etc/passwd"},
      {"Nul", std::string("jobs/nul\0nul", 12)},
      {"Long", "jobs/" + std::string(1 << 19, 'a')},
      {"Sql", "jobs/x' OR '1'='1"},
  };
  for (const char* method : {"GetJob", "CancelJob", "DeleteJob", "WatchJob", "ReadJobImages",
                             "ReadJobMeasurement", "GetModel"}) {
    for (const auto& [what, name] : kBad) {
      all.push_back({absl::StrCat(method, what),
                     method,
                     Bytes(method, absl::StrCat("name: '", Escaped(name), "'")),
                     {StatusCode::INVALID_ARGUMENT},
                     "name"});
    }
    const bool model = std::string(method) == "GetModel";
    all.push_back({absl::StrCat(method, "Unknown"),
                   method,
                   Bytes(method, model ? "name: 'models/none'" : "name: 'jobs/none'"),
                   {StatusCode::NOT_FOUND}});
  }
  return all;
}

std::vector<HostileCase> HostileReads() {
  const std::string name = absl::StrCat("name: '", kEndedJob, "' ");
  return FromText({
      {"PageSize", "ListJobs", "page_size: -1", "page_size"},
      {"PageSizeLeast", "ListJobs", "page_size: -2147483648", "page_size"},
      {"PageToken", "ListJobs", "page_token: 'x'", "page_token"},
      {"PageTokenBytes", "ListJobs", "page_token: '\\000\\001\\002'", "page_token"},
      {"FilterState", "ListJobs", "filter { states: 99 }", "filter.states"},
      {"FilterModel", "ListJobs", "filter { model: 'x' }", "filter.model"},
      {"WatchFilterState", "WatchJobs", "filter { states: -1 }", "filter.states"},
      {"WatchFilterModel", "WatchJobs", "filter { model: 'models/UPPER' }", "filter.model"},
      {"ModelPageSize", "ListModels", "page_size: -1", "page_size"},
      {"ModelPageToken", "ListModels", "page_token: 'AAAA'", "page_token"},
      {"AfterNegative", "WatchJob", name + "after_sequence: -1", "after_sequence"},
      {"AfterLeast", "WatchJob", name + "after_sequence: -9223372036854775808", "after_sequence"},
      {"AfterBeyond", "WatchJob", name + "after_sequence: 9223372036854775807", "",
       StatusCode::OUT_OF_RANGE},
      {"IntervalNegative", "WatchJob", name + "frame_interval: -1", "frame_interval"},
      {"IntervalLeast", "WatchJob", name + "frame_interval: -2147483648", "frame_interval"},
      {"ProgressNegative", "WatchJob", name + "progress_interval { seconds: -1 }",
       "progress_interval.seconds"},
      {"ProgressNanos", "WatchJob", name + "progress_interval { nanos: 1000000000 }",
       "progress_interval.nanos"},
      {"FrameKind", "WatchJob", name + "frame_interval: 1 frame_kinds: 99", "frame_kinds"},
      {"FrameFormat", "WatchJob", name + "frame_interval: 1 frame_format: 77", "frame_format"},
      {"FrameImages", "WatchJob", name + "max_frame_images: -7", "max_frame_images"},
      {"StartNegative", "ReadJobImages", name + "start_index: -1", "start_index"},
      {"StartBeyond", "ReadJobImages", name + "start_index: 2147483647", "",
       StatusCode::OUT_OF_RANGE},
      {"ReadFormat", "ReadJobImages", name + "format: 12", "format"},
      {"NoMeasurement", "ReadJobMeasurement", name, "", StatusCode::FAILED_PRECONDITION},
  });
}

std::vector<HostileCase> HostileEnvelopes() {
  std::string labels;
  for (int i = 0; i < 65; ++i) absl::StrAppend(&labels, "labels { key: 'k", i, "' value: 'v' } ");
  const std::string sample = Job("sample {}") + " ";
  return FromText({
      {"Nothing", "CreateJob", "", "job"},
      {"NoTask", "CreateJob", Job(""), "job.task"},
      {"NoModel", "CreateJob", "job { sample {} }", "job.model"},
      {"ModelPath", "CreateJob", "job { model: 'models/../../etc' sample {} }", "job.model"},
      {"ModelLong", "CreateJob",
       absl::StrCat("job { model: 'models/", std::string(1 << 20, 'm'), "' sample {} }"),
       "job.model"},
      {"ModelUnknown", "CreateJob", "job { model: 'models/none' sample {} }", "",
       StatusCode::NOT_FOUND},
      {"JobIdShort", "CreateJob", sample + "job_id: 'a'", "job_id"},
      {"JobIdPath", "CreateJob", sample + "job_id: '../../x'", "job_id"},
      {"JobIdNul", "CreateJob", sample + "job_id: 'abc\\000d'", "job_id"},
      {"JobIdLong", "CreateJob", absl::StrCat(sample, "job_id: '", std::string(1 << 20, 'j'), "'"),
       "job_id"},
      {"JobIdTaken", "CreateJob", sample + "job_id: 'ended-job'", "job_id",
       StatusCode::ALREADY_EXISTS},
      {"RequestId", "CreateJob", sample + "request_id: 'no uuid'", "request_id"},
      {"RequestIdLong", "CreateJob",
       absl::StrCat(sample, "request_id: '", std::string(100000, '0'), "'"), "request_id"},
      {"Priority", "CreateJob", Job("sample {} priority: 99"), "job.priority"},
      {"PriorityNegative", "CreateJob", Job("sample {} priority: -1"), "job.priority"},
      {"LabelKey", "CreateJob", Job("sample {} labels { key: 'A B' value: 'v' }"), "job.labels"},
      {"LabelKeyEmpty", "CreateJob", Job("sample {} labels { key: '' value: 'v' }"), "job.labels"},
      {"LabelValueNul", "CreateJob", Job("sample {} labels { key: 'a' value: 'b\\000c' }"),
       "job.labels"},
      {"LabelValueLong", "CreateJob",
       Job(absl::StrCat("sample {} labels { key: 'a' value: '", std::string(1 << 20, 'v'), "' }")),
       "job.labels"},
      {"LabelsMany", "CreateJob", Job("sample {} " + labels), "job.labels"},
      {"SamplesNegative", "CreateJob",
       Job("denoise { images { " + Image() + " } timestep: 1 } samples_per_image: -1"),
       "job.samples_per_image"},
      {"ClassLabels", "CreateJob", Job("sample {} class_labels: 3"), "job.class_labels"},
      {"ReferenceEmpty", "CreateJob", Job("sample {} reference {}"), "job.reference.content"},
      {"ReferenceMany", "CreateJob",
       Job("sample {} reference { tensor { data_type: UINT8 shape: [3, 1, 32, 32] } }"),
       "job.reference"},
  });
}

std::vector<HostileCase> HostileTasks() {
  return FromText({
      {"CountNegative", "CreateJob", Job("sample { num_images: -1 }"), "job.sample.num_images"},
      {"CountHuge", "CreateJob", Job("sample { num_images: 2147483647 }"), "job.sample.num_images"},
      {"Kind", "CreateJob", Process("kind: 99"), "job.sample.process.kind"},
      {"KindNegative", "CreateJob", Process("kind: -1"), "job.sample.process.kind"},
      {"Variance", "CreateJob", Process("variance: 99"), "job.sample.process.variance"},
      {"VarianceNotLearned", "CreateJob", Process("variance: LEARNED_RANGE"),
       "job.sample.process.variance"},
      {"Spacing", "CreateJob", Process("spacing: 99"), "job.sample.process.spacing"},
      {"StepsNegative", "CreateJob", Process("num_steps: -1"), "job.sample.process.num_steps"},
      {"StepsHuge", "CreateJob", Process("num_steps: 2147483647"), "job.sample.process.num_steps"},
      {"EtaNan", "CreateJob", Process("kind: DDIM eta: nan"), "job.sample.process.eta"},
      {"EtaInfinite", "CreateJob", Process("kind: DDIM eta: inf"), "job.sample.process.eta"},
      {"EtaNegative", "CreateJob", Process("kind: DDIM eta: -0.5"), "job.sample.process.eta"},
      {"EtaOfDdpm", "CreateJob", Process("kind: DDPM eta: 0.5"), "job.sample.process.eta"},
      {"VarianceOfDdim", "CreateJob", Process("kind: DDIM variance: FIXED_LARGE"),
       "job.sample.process.variance"},
      {"NoImages", "CreateJob", Job("denoise { timestep: 1 }"), "job.denoise.images"},
      {"NoLevel", "CreateJob", Denoise(Image(), ""), "job.denoise.level"},
      {"TimestepNegative", "CreateJob", Denoise(Image(), "timestep: -1"), "job.denoise.timestep"},
      {"TimestepHuge", "CreateJob", Denoise(Image(), "timestep: 2147483647"),
       "job.denoise.timestep"},
      {"SigmaNan", "CreateJob", Denoise(Image(), "noise_sigma: nan"), "job.denoise.noise_sigma"},
      {"SigmaInfinite", "CreateJob", Denoise(Image(), "noise_sigma: inf"),
       "job.denoise.noise_sigma"},
      {"SigmaNegative", "CreateJob", Denoise(Image(), "noise_sigma: -1"),
       "job.denoise.noise_sigma"},
      {"SigmaHuge", "CreateJob", Denoise(Image(), "noise_sigma: 1e300"), "job.denoise.noise_sigma"},
      {"DenoiseSteps", "CreateJob", Denoise(Image(), "timestep: 5 process { num_steps: 100 }"),
       "job.denoise.process.num_steps"},
      {"SdeditNoSource", "CreateJob", Job("sdedit {}"), "job.sdedit.source"},
      {"StrengthNan", "CreateJob", Job("sdedit { guide { " + Image() + " } strength: nan }"),
       "job.sdedit.strength"},
      {"StrengthZero", "CreateJob", Job("sdedit { guide { " + Image() + " } strength: 0 }"),
       "job.sdedit.strength"},
      {"RepeatsHuge", "CreateJob", Job("sdedit { guide { " + Image() + " } num_repeats: -1 }"),
       "job.sdedit.num_repeats"},
      {"MaskShape", "CreateJob",
       Job("sdedit { guide { " + Image() +
           " } keep_mask { data_type: FLOAT32 shape: 3 data: '\\000\\000\\000\\000\\000\\000\\000"
           "\\000\\000\\000\\000\\000' } }"),
       "job.sdedit.keep_mask.shape"},
      {"MaskHalf", "CreateJob",
       Job("sdedit { guide { " + Image() +
           " } keep_mask { data_type: FLOAT32 shape: 1 data: '\\000\\000\\000\\077' } }"),
       "job.sdedit.keep_mask"},
      {"DpsNoMeasurement", "CreateJob", Job("dps {}"), "job.dps.measurement"},
      {"ZetaNan", "CreateJob", Measured("identity {}", "dps", "zeta: nan"), "job.dps.zeta"},
      {"ZetaNegative", "CreateJob", Measured("identity {}", "dps", "zeta: -1"), "job.dps.zeta"},
      {"Objective", "CreateJob", Measured("identity {}", "dps", "objective: 9"),
       "job.dps.objective"},
      {"DpsKind", "CreateJob", Measured("identity {}", "dps", "process { kind: DPM_SOLVER_PP_2M }"),
       "job.dps.process.kind"},
      {"AldPrior", "CreateJob", Measured("identity {}", "ald", "prior: 9"), "job.ald.prior"},
      {"AldSteps", "CreateJob",
       Measured("identity {}", "ald", "prior: LANGEVIN steps_per_level: -1"),
       "job.ald.steps_per_level"},
      {"AldStepSize", "CreateJob", Measured("identity {}", "ald", "prior: LANGEVIN step_size: inf"),
       "job.ald.step_size"},
      {"AldGamma", "CreateJob", Measured("identity {}", "ald", "gamma_scale: 0"),
       "job.ald.gamma_scale"},
      {"AldLikelihood", "CreateJob", Measured("identity {}", "ald", "likelihood_scale: nan"),
       "job.ald.likelihood_scale"},
      {"DdnmEta", "CreateJob", Measured("identity {}", "ddnm", "eta: 2"), "job.ddnm.eta"},
      {"DdnmTravel", "CreateJob", Measured("identity {}", "ddnm", "travel_length: -1"),
       "job.ddnm.travel_length"},
      {"DdnmRepeats", "CreateJob",
       Measured("identity {}", "ddnm", "travel_length: 1 travel_repeats: -1"),
       "job.ddnm.travel_repeats"},
      {"DdnmWork", "CreateJob",
       Measured("identity {}", "ddnm", "travel_length: 1 travel_repeats: 2147483647"),
       "job.ddnm.travel_repeats"},
      {"DdrmEta", "CreateJob", Measured("identity {}", "ddrm", "eta: -1"), "job.ddrm.eta"},
      {"DdrmEtaB", "CreateJob", Measured("identity {}", "ddrm", "eta_b: nan"), "job.ddrm.eta_b"},
      {"PigdmKind", "CreateJob", Measured("identity {}", "pigdm", "process { kind: DDPM }"),
       "job.pigdm.process.kind"},
      {"DiffpirLambda", "CreateJob", Measured("identity {}", "diffpir", "lambda: 0"),
       "job.diffpir.lambda"},
      {"DiffpirZeta", "CreateJob", Measured("identity {}", "diffpir", "zeta: 1.5"),
       "job.diffpir.zeta"},
      {"ReddiffRate", "CreateJob", Measured("identity {}", "reddiff", "learning_rate: -1"),
       "job.reddiff.learning_rate"},
      {"ReddiffPrior", "CreateJob", Measured("identity {}", "reddiff", "prior_weight: nan"),
       "job.reddiff.prior_weight"},
      {"ReddiffData", "CreateJob", Measured("identity {}", "reddiff", "data_weight: -inf"),
       "job.reddiff.data_weight"},
      {"RepaintOperator", "CreateJob", Measured("identity {}", "repaint"),
       "job.repaint.measurement.forward_operator"},
      {"RepaintJump", "CreateJob",
       Measured("inpainting { random_fraction: 0.5 }", "repaint", "jump_length: -1"),
       "job.repaint.jump_length"},
      {"RepaintResamples", "CreateJob",
       Measured("inpainting { random_fraction: 0.5 }", "repaint", "num_resamples: -1"),
       "job.repaint.num_resamples"},
  });
}

std::vector<HostileCase> HostileMeasurements() {
  const std::string at = "job.dps.measurement.forward_operator.";
  std::vector<std::pair<std::string, std::string>> operators = {
      {"", "kind"},
      {"inpainting {}", "inpainting.missing"},
      {"inpainting { random_fraction: nan }", "inpainting.random_fraction"},
      {"inpainting { random_fraction: 1 }", "inpainting.random_fraction"},
      {"inpainting { box { top: -1 left: 0 height: 4 width: 4 } }", "inpainting.box.top"},
      {"inpainting { box { top: 2147483647 left: 0 height: 2147483647 width: 4 } }",
       "inpainting.box.top"},
      {"inpainting { box { height: 32 width: 32 } }", "inpainting.box"},
      {"super_resolution {}", "super_resolution.factor"},
      {"super_resolution { factor: -4 }", "super_resolution.factor"},
      {"super_resolution { factor: 2147483647 }", "super_resolution.factor"},
      {"super_resolution { factor: 4 kernel: 9 }", "super_resolution.kernel"},
      {"subsampling { stride: 0 }", "subsampling.stride"},
      {"subsampling { stride: 5 }", "subsampling.stride"},
      {"blur {}", "blur.kernel"},
      {"blur { gaussian { size: -3 sigma: 1 } }", "blur.gaussian.size"},
      {"blur { gaussian { size: 2147483647 sigma: 1 } }", "blur.gaussian.size"},
      {"blur { gaussian { size: 3 sigma: nan } }", "blur.gaussian.sigma"},
      {"blur { gaussian { size: 3 sigma: -1 } }", "blur.gaussian.sigma"},
      {"blur { motion { size: 0 } }", "blur.motion.size"},
      {"blur { motion { size: 3 intensity: inf } }", "blur.motion.intensity"},
      {"blur { random_size: 2147483647 }", "blur.random_size"},
      {"blur { random_size: 3 boundary: 9 }", "blur.boundary"},
      {"blur { custom { data_type: FLOAT32 shape: [3, 3] } }", "blur.custom.data"},
      {"mri {}", "mri.sampling"},
      {"mri { random_columns { acceleration: 0 } }", "mri.random_columns.acceleration"},
      {"mri { random_columns { acceleration: inf } }", "mri.random_columns.acceleration"},
      {"mri { random_columns { acceleration: 4 center_fraction: nan } }",
       "mri.random_columns.center_fraction"},
      {"tomography {}", "tomography.num_angles"},
      {"tomography { num_angles: 2147483647 }", "tomography.num_angles"},
      {"tomography { num_angles: 4 num_detectors: -1 }", "tomography.num_detectors"},
      {"phase_retrieval { padding: nan }", "phase_retrieval.padding"},
      {"phase_retrieval { padding: 1e300 }", "phase_retrieval.padding"},
      {"grayscale {}", "grayscale"},
  };
  std::vector<HostileCase> all;
  for (const auto& [text, field] : operators) {
    all.push_back({absl::StrCat("Operator ", text),
                   "CreateJob",
                   Bytes("CreateJob", Measured(text)),
                   {StatusCode::INVALID_ARGUMENT},
                   at + field});
  }
  const auto noise = [](const std::string& text) {
    return Job(absl::StrCat("dps { measurement { forward_operator { identity {} } noise { ", text,
                            " } simulate_from { ", Image(), " } } }"));
  };
  const auto source = [](const std::string& text) {
    return Job(absl::StrCat("dps { measurement { forward_operator { identity {} } ", text, " } }"));
  };
  const std::vector<HostileCase> others = FromText({
      {"NoOperator", "CreateJob", Job("dps { measurement { simulate_from { " + Image() + " } } }"),
       "job.dps.measurement.forward_operator"},
      {"NoSource", "CreateJob", source(""), "job.dps.measurement.source"},
      {"SigmaOfNoise", "CreateJob", noise("gaussian_sigma: nan"),
       "job.dps.measurement.noise.gaussian_sigma"},
      {"SigmaOfNoiseNegative", "CreateJob", noise("gaussian_sigma: -1"),
       "job.dps.measurement.noise.gaussian_sigma"},
      {"PoissonRate", "CreateJob", noise("poisson { rate: 0 }"),
       "job.dps.measurement.noise.poisson.rate"},
      {"PoissonRateInfinite", "CreateJob", noise("poisson { rate: inf }"),
       "job.dps.measurement.noise.poisson.rate"},
      {"YShape", "CreateJob",
       source("y { data_type: FLOAT32 shape: [1, 2] data: '\\000\\000\\000\\000\\000\\000\\000"
              "\\000' }"),
       "job.dps.measurement.y"},
      {"YType", "CreateJob", source("y { shape: [1, 1, 32, 32] }"),
       "job.dps.measurement.y.data_type"},
      {"YOverflow", "CreateJob",
       source("y { data_type: FLOAT32 shape: [4294967296, 4294967296, 4, 4] }"),
       "job.dps.measurement.y"},
  });
  all.insert(all.end(), others.begin(), others.end());
  return all;
}

namespace {

void AppendBigEndian(std::string& bytes, uint32_t value, int count) {
  for (int shift = 8 * (count - 1); shift >= 0; shift -= 8) {
    bytes += static_cast<char>(value >> shift);
  }
}

// The beginning of a PNG file of such a size, grey, 8 bits, with a correct checksum
// where `crc` is given.
std::string PngHeader(uint32_t width, uint32_t height, uint32_t crc) {
  std::string png("\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 16);
  AppendBigEndian(png, width, 4);
  AppendBigEndian(png, height, 4);
  png += std::string("\x08\0\0\0\0", 5);
  AppendBigEndian(png, crc, 4);
  return png;
}

// The beginning of a JPEG file that claims such a size.
std::string JpegHeader(uint32_t width, uint32_t height) {
  std::string jpeg("\xff\xd8\xff\xc0\0\x0b\x08", 7);
  AppendBigEndian(jpeg, height, 2);
  AppendBigEndian(jpeg, width, 2);
  return jpeg + std::string("\x01\x01\x11\0\xff\xda\0\x08\x01\x01\0\0\x3f\0", 14);
}

std::string Files(const std::vector<std::string>& files) {
  std::string text = "encoded { ";
  for (const std::string& file : files) absl::StrAppend(&text, "files: '", Escaped(file), "' ");
  return text + "}";
}

}  // namespace

std::vector<HostileCase> HostileImages() {
  const std::string images = "job.denoise.images";
  const auto tensor = [](const std::string& fields) {
    return Denoise(absl::StrCat("tensor { ", fields, " }"));
  };
  const std::string many_sizes = [] {
    std::string text = "data_type: FLOAT32 ";
    for (int i = 0; i < 1000; ++i) text += "shape: 1 ";
    return text;
  }();
  // Each with the field in the images that is at fault; empty: there are too many.
  std::vector<std::pair<std::string, std::string>> cases = {
      {Denoise(""), "content"},
      {tensor(""), "tensor.shape"},
      {tensor("data_type: 9 shape: [1, 1, 32, 32]"), "tensor.data_type"},
      {tensor("data_type: FLOAT32"), "tensor.shape"},
      {tensor(many_sizes), "tensor.shape"},
      {tensor("data_type: FLOAT32 shape: [1, 1, 32, -32]"), "tensor.shape"},
      {tensor("data_type: FLOAT32 shape: [0, 1, 32, 32]"), "tensor.shape"},
      {tensor("data_type: UINT8 shape: [9223372036854775807, 1, 32, 32]"), ""},
      {tensor("data_type: UINT8 shape: [18014398509481984, 1, 32, 32]"), ""},
      {tensor("data_type: FLOAT32 shape: [4294967296, 4294967296, 32, 32]"), ""},
      {tensor("data_type: FLOAT32 shape: [1, 1, 32, 32] data: 'short'"), "tensor.data"},
      {tensor("data_type: UINT8 shape: [1, 1, 32, 32] data: ''"), "tensor.data"},
      {tensor("data_type: UINT8 shape: [1, 3, 32, 32]"), "tensor.shape"},
      {Denoise("tensor { data_type: FLOAT32 shape: [1, 1, 32, 32] data: '" +
               Escaped(std::string(4096, '\xff')) + "' }"),
       "tensor.data"},
      {Denoise(Files({})), "encoded.files"},
      {Denoise(Files({""})), "encoded.files[0]"},
      {Denoise(Files({"GIF89a......"})), "encoded.files[0]"},
      {Denoise(Files({"\x89PNG\r\n\x1a\n"})), "encoded.files[0]"},
      {Denoise(Files({PngHeader(0x7fffffff, 0x7fffffff, 0)})), "encoded.files[0]"},
      {Denoise(Files({PngHeader(65535, 65535, 0xb18db9d6)})), "encoded.files[0]"},
      {Denoise(Files({PngHeader(0, 0, 0)})), "encoded.files[0]"},
      {Denoise(Files({"\xff\xd8\xff"})), "encoded.files[0]"},
      {Denoise(Files({JpegHeader(65535, 65535)})), "encoded.files[0]"},
      {Denoise(Files({JpegHeader(0, 0)})), "encoded.files[0]"},
      {Denoise(Files(std::vector<std::string>(5000, "x"))), ""},
  };
  std::vector<HostileCase> all;
  for (const auto& [text, field] : cases) {
    all.push_back({absl::StrCat("Images ", all.size(), " ", field),
                   "CreateJob",
                   Bytes("CreateJob", text),
                   {StatusCode::INVALID_ARGUMENT},
                   field.empty() ? images : absl::StrCat(images, ".", field)});
  }
  return all;
}

std::vector<HostileCase> HostileBatches() {
  const auto request = [](const std::string& fields) {
    return absl::StrCat("requests { ", fields, " } ");
  };
  const std::string good = request(Job("sample {}"));
  std::string many;
  for (int i = 0; i < 1001; ++i) many += good;
  const std::string named = request(Job("sample {}") + " job_id: 'same-id'");
  return FromText({
      {"BatchEmpty", "BatchCreateJobs", "", "requests"},
      {"BatchMany", "BatchCreateJobs", many, "requests"},
      {"BatchSecond", "BatchCreateJobs", good + request(Job("sample { num_images: -1 }")),
       "requests[1].job.sample.num_images"},
      {"BatchNoJob", "BatchCreateJobs", good + request(""), "requests[1].job"},
      {"BatchMixed", "BatchCreateJobs", good + request(Job("sample {}") + " validate_only: true"),
       "requests[1].validate_only"},
      {"BatchSameIds", "BatchCreateJobs", named + named, "requests[1].job_id"},
  });
}

std::vector<HostileCase> HostileBytes() {
  const std::string good = Bytes("CreateJob", Denoise(Image()));
  std::vector<HostileCase> all = {
      {"Truncated", "CreateJob", good.substr(0, good.size() / 2)},
      {"TruncatedByOne", "CreateJob", good.substr(0, good.size() - 1)},
      {"Garbage", "CreateJob", std::string(1000, '\xff')},
      {"LengthBeyond", "GetJob", std::string("\x0a\xff\xff\xff\xff\x7f", 6)},
      {"BadUtf8", "GetJob", std::string("\x0a\x07jobs/\xff\xfe", 9)},
      {"BadUtf8Overlong", "GetJob", std::string("\x0a\x07jobs/\xc0\x80", 9)},
      {"BadUtf8Surrogate", "WatchJob", std::string("\x0a\x08jobs/\xed\xa0\x80", 10)},
      {"WrongWireType",
       "GetJob",
       std::string("\x0d\x01\x02\x03\x04", 5),
       {StatusCode::INVALID_ARGUMENT},
       "name"},
      {"EndGroup", "GetJob", std::string("\x0c", 1)},
      {"TruncatedStream", "WatchJob", std::string("\x0a\x09jobs", 6)},
      // A tag and a value of fields that nobody knows.
      {"UnknownFields", "GetJob", Repeated("\x78\x01", 1 << 20)},
      {"UnknownFieldsStream", "ReadJobImages", Repeated("\x78\x01", 1 << 20)},
      {"TooLarge", "CreateJob", std::string(33 << 20, 'x'), {StatusCode::RESOURCE_EXHAUSTED}},
      {"UnknownMethod", "DropJobs", "", {StatusCode::UNIMPLEMENTED}},
  };
  // Groups in groups, deeper than a parser goes.
  all.push_back({"Deep", "CreateJob", std::string(1000, '\x13')});
  return all;
}

}  // namespace tweedie
