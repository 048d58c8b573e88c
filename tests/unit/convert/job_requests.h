#ifndef TWEEDIE_TESTS_UNIT_CONVERT_JOB_REQUESTS_H_
#define TWEEDIE_TESTS_UNIT_CONVERT_JOB_REQUESTS_H_

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/weights/model_repository.h"
#include "server/convert/prepare_job.h"
#include "tweedie/v1/tweedie_service.pb.h"

namespace tweedie {

inline constexpr char kModel[] = "models/fashion-mnist-32";

// `count` images of the default model's shape [1, 32, 32]; element i of the
// batch is i / 1000 - 1, so that no two are equal.
inline v1::Images FloatImages(int count) {
  std::vector<float> values(static_cast<size_t>(count) * 1024);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i) / 1000 - 1;
  v1::Images images;
  v1::Tensor* tensor = images.mutable_tensor();
  tensor->set_data_type(v1::Tensor::FLOAT32);
  for (const int size : {count, 1, 32, 32}) tensor->add_shape(size);
  tensor->set_data(values.data(), values.size() * sizeof(float));
  return images;
}

inline v1::CreateJobRequest SampleRequest() {
  v1::CreateJobRequest request;
  request.mutable_job()->set_model(kModel);
  request.mutable_job()->mutable_sample();
  return request;
}

inline v1::CreateJobRequest DenoiseRequest(int count = 2) {
  v1::CreateJobRequest request;
  request.mutable_job()->set_model(kModel);
  *request.mutable_job()->mutable_denoise()->mutable_images() = FloatImages(count);
  request.mutable_job()->mutable_denoise()->set_timestep(100);
  return request;
}

// The default model, and `models/broken`, which cannot be loaded. Loaded once a
// process.
class PrepareJobTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    namespace fs = std::filesystem;
    const fs::path dir =
        fs::path(::testing::TempDir()) / absl::StrCat("convert_models_", ::getpid());
    fs::create_directories(dir / "broken");
    fs::copy(fs::path(TWEEDIE_SOURCE_DIR) / "models" / "fashion-mnist-32", dir / "fashion-mnist-32",
             fs::copy_options::recursive);
    absl::StatusOr<std::unique_ptr<ModelRepository>> models = ModelRepository::Open(dir.string());
    fs::remove_all(dir);
    ASSERT_TRUE(models.ok()) << models.status();
    models_ = *std::move(models);
  }
  static void TearDownTestSuite() { models_.reset(); }

  static absl::StatusOr<PreparedJob> Prepare(const v1::CreateJobRequest& request,
                                             const RequestLimits& limits = {}) {
    return PrepareJob(request, "ada", *models_, limits);
  }

  inline static std::unique_ptr<ModelRepository> models_;
};

}  // namespace tweedie

#endif  // TWEEDIE_TESTS_UNIT_CONVERT_JOB_REQUESTS_H_
