#include "server/convert/operator_proto.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include <functional>
#include <limits>
#include <variant>

#include "core/base/field_error.h"
#include "tests/testing/status_matchers.h"
#include "tests/unit/convert/equals_proto.h"
#include "tests/unit/convert/measured_requests.h"

namespace tweedie {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Proto = v1::Operator;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
constexpr ImageShape3 kImage = {3, 32, 16};

template <typename Spec>
Spec MustRead(const Proto& proto) {
  const absl::StatusOr<OperatorSpec> spec = ReadOperator(proto);
  EXPECT_OK(spec);
  return std::get<Spec>(*spec);
}

// --- Both ways --------------------------------------------------------------

// Each kind, with every choice set to something that is not its default.
std::vector<Proto> AllOperators() {
  std::vector<Proto> all(14);
  all[0].mutable_identity();
  all[1].mutable_inpainting()->mutable_mask();
  auto* box = all[2].mutable_inpainting()->mutable_box();
  box->set_top(1);
  box->set_left(2);
  box->set_height(3);
  box->set_width(4);
  all[3].mutable_inpainting()->set_random_fraction(0.7);
  all[4].mutable_super_resolution()->set_factor(4);
  all[4].mutable_super_resolution()->set_kernel(Proto::SuperResolution::AVERAGE);
  all[5].mutable_subsampling()->set_stride(8);
  all[6].mutable_blur()->mutable_gaussian()->set_size(9);
  all[6].mutable_blur()->mutable_gaussian()->set_sigma(1.1);
  all[6].mutable_blur()->set_boundary(Proto::Blur::REFLECT);
  all[7].mutable_blur()->mutable_motion()->set_size(7);
  all[7].mutable_blur()->mutable_motion()->set_intensity(0);
  all[7].mutable_blur()->set_boundary(Proto::Blur::CIRCULAR);
  all[8].mutable_blur()->mutable_custom();
  all[8].mutable_blur()->set_boundary(Proto::Blur::ZERO);
  all[9].mutable_blur()->set_random_size(5);
  all[9].mutable_blur()->set_boundary(Proto::Blur::REFLECT);
  all[10].mutable_mri()->mutable_mask();
  all[11].mutable_mri()->mutable_random_columns()->set_acceleration(4);
  all[11].mutable_mri()->mutable_random_columns()->set_center_fraction(0);
  all[12].mutable_tomography()->set_num_angles(60);
  all[12].mutable_tomography()->set_num_detectors(45);
  all[13].mutable_phase_retrieval()->set_padding(0);
  all.emplace_back().mutable_grayscale();
  return all;
}

TEST(OperatorProtoTest, WritingWhatWasReadGivesTheMessageAgain) {
  for (const Proto& proto : AllOperators()) {
    ASSERT_OK_AND_ASSIGN(const OperatorSpec spec, ReadOperator(proto));
    EXPECT_THAT(WriteOperator(spec), EqualsProto(proto));
  }
}

TEST(OperatorProtoTest, EveryKindIsRead) {
  std::set<size_t> kinds;
  for (const Proto& proto : AllOperators()) {
    ASSERT_OK_AND_ASSIGN(const OperatorSpec spec, ReadOperator(proto));
    kinds.insert(spec.index());
  }
  EXPECT_EQ(kinds.size(), std::variant_size_v<OperatorSpec>);
}

TEST(OperatorProtoTest, ValuesArriveInTheirFields) {
  const auto all = AllOperators();
  const auto box = std::get<InpaintingSpec::Box>(MustRead<InpaintingSpec>(all[2]).missing);
  EXPECT_THAT((std::vector<int>{box.top, box.left, box.height, box.width}),
              ElementsAre(1, 2, 3, 4));
  EXPECT_EQ(std::get<InpaintingSpec::Random>(MustRead<InpaintingSpec>(all[3]).missing).fraction,
            0.7);
  EXPECT_EQ(MustRead<SuperResolutionSpec>(all[4]).factor, 4);
  EXPECT_EQ(MustRead<SubsamplingSpec>(all[5]).stride, 8);
  const auto gaussian = std::get<BlurSpec::Gaussian>(MustRead<BlurSpec>(all[6]).kernel);
  EXPECT_EQ(gaussian.size, 9);
  EXPECT_EQ(gaussian.sigma, 1.1);
  EXPECT_EQ(std::get<BlurSpec::Random>(MustRead<BlurSpec>(all[9]).kernel).size, 5);
  const auto columns = std::get<MriSpec::RandomColumns>(MustRead<MriSpec>(all[11]).sampling);
  EXPECT_EQ(columns.acceleration, 4);
  EXPECT_EQ(columns.center_fraction, 0);
  EXPECT_EQ(MustRead<TomographySpec>(all[12]).num_angles, 60);
  EXPECT_EQ(MustRead<TomographySpec>(all[12]).num_detectors, 45);
}

TEST(OperatorProtoTest, UnsetFieldsAreTheDefaultsOfTheProto) {
  Proto proto;
  proto.mutable_super_resolution()->set_factor(2);
  EXPECT_EQ(MustRead<SuperResolutionSpec>(proto).kernel, SuperResolutionSpec::Kernel::kBicubic);
  proto.mutable_blur()->mutable_motion()->set_size(5);
  const BlurSpec blur = MustRead<BlurSpec>(proto);
  EXPECT_EQ(std::get<BlurSpec::Motion>(blur.kernel).intensity, 0.5);
  EXPECT_EQ(blur.boundary, BlurSpec::Boundary::kReflect);
  proto.mutable_mri()->mutable_random_columns()->set_acceleration(3);
  const MriSpec mri = MustRead<MriSpec>(proto);
  EXPECT_EQ(std::get<MriSpec::RandomColumns>(mri.sampling).center_fraction, std::nullopt);
  proto.mutable_phase_retrieval();
  EXPECT_EQ(MustRead<PhaseRetrievalSpec>(proto).padding, 0.25);
}

// --- Refusals ---------------------------------------------------------------

TEST(OperatorProtoTest, UnsetChoicesAndUnknownValuesAreRefusedByTheirField) {
  struct Bad {
    std::function<void(Proto*)> set;
    const char* field;
    const char* message;
  };
  const Bad table[] = {
      {[](Proto*) {}, "kind", "is required: `identity`, `inpainting`"},
      {[](Proto* p) { p->mutable_inpainting(); }, "inpainting.missing", "`random_fraction`"},
      {[](Proto* p) { p->mutable_blur(); }, "blur.kernel", "is required: `gaussian`"},
      {[](Proto* p) { p->mutable_mri(); }, "mri.sampling", "is required: `mask`"},
      {[](Proto* p) {
         p->mutable_super_resolution()->set_kernel(static_cast<Proto::SuperResolution::Kernel>(3));
       },
       "super_resolution.kernel", "BICUBIC, AVERAGE; was 3"},
      {[](Proto* p) { p->mutable_blur()->set_boundary(static_cast<Proto::Blur::Boundary>(-1)); },
       "blur.boundary", "REFLECT, CIRCULAR, ZERO; was -1"},
  };
  for (const Bad& bad : table) {
    SCOPED_TRACE(bad.field);
    Proto proto;
    bad.set(&proto);
    const auto spec = ReadOperator(proto);
    EXPECT_THAT(spec, StatusIs(kInvalid, HasSubstr(bad.message)));
    EXPECT_EQ(FieldOf(spec.status()).value_or("(none)"), bad.field);
  }
}

// --- Tensors ----------------------------------------------------------------

absl::StatusOr<at::Tensor> ReadTensorOf(const Proto& proto) {
  absl::StatusOr<OperatorSpec> spec = ReadOperator(proto);
  if (!spec.ok()) return spec.status();
  const absl::Status read = ReadOperatorTensor(proto, kImage, &*spec);
  if (!read.ok()) return read;
  return *TensorOf(&*spec);
}

v1::Tensor* Mask(Proto* proto) { return proto->mutable_inpainting()->mutable_mask(); }
v1::Tensor* MriMask(Proto* proto) { return proto->mutable_mri()->mutable_mask(); }
v1::Tensor* Kernel(Proto* proto) { return proto->mutable_blur()->mutable_custom(); }

TEST(OperatorTensorTest, ShapesThatFitAreReadAsTheyAre) {
  Proto proto;
  for (const std::vector<int64_t>& shape :
       std::vector<std::vector<int64_t>>{{3, 32, 16}, {1, 32, 16}, {32, 16}, {16}, {1}}) {
    *Mask(&proto) = Filled(shape, 1);
    ASSERT_OK_AND_ASSIGN(const at::Tensor mask, ReadTensorOf(proto));
    EXPECT_EQ(mask.sizes(), at::IntArrayRef(shape));
  }
  *MriMask(&proto) = Filled({32, 1}, 1);
  ASSERT_OK_AND_ASSIGN(const at::Tensor samples, ReadTensorOf(proto));
  EXPECT_THAT(samples.sizes(), ElementsAre(32, 1));
  *Kernel(&proto) = Filled({5, 5}, 0.5);
  ASSERT_OK_AND_ASSIGN(const at::Tensor kernel, ReadTensorOf(proto));
  EXPECT_TRUE(kernel.equal(at::full({5, 5}, 0.5F)));
}

TEST(OperatorTensorTest, AMaskOfABatchOfOneLosesItsFirstDimension) {
  Proto proto;
  *Mask(&proto) = Filled({1, 3, 32, 16}, 1);
  ASSERT_OK_AND_ASSIGN(const at::Tensor mask, ReadTensorOf(proto));
  EXPECT_THAT(mask.sizes(), ElementsAre(3, 32, 16));
}

TEST(OperatorTensorTest, OperatorsWithoutATensorHaveNone) {
  for (const Proto& proto : AllOperators()) {
    ASSERT_OK_AND_ASSIGN(OperatorSpec spec, ReadOperator(proto));
    const bool has =
        proto.inpainting().has_mask() || proto.blur().has_custom() || proto.mri().has_mask();
    EXPECT_EQ(TensorOf(&spec) != nullptr, has) << proto.ShortDebugString();
  }
}

TEST(OperatorTensorTest, WhatDoesNotFitIsRefusedByItsField) {
  const auto refused = [](const Proto& proto, const char* field, const char* message) {
    SCOPED_TRACE(field);
    const auto read = ReadTensorOf(proto);
    EXPECT_THAT(read, StatusIs(kInvalid, HasSubstr(message)));
    EXPECT_EQ(FieldOf(read.status()).value_or("(none)"), field);
  };
  Proto mask, mri, kernel;
  *Mask(&mask) = Filled({2, 3, 32, 16}, 1);  // an operator is one for all images
  refused(mask, "inpainting.mask.shape", "broadcastable to [1, 3, 32, 16]; was [2, 3, 32, 16]");
  *Mask(&mask) = Filled({16, 32}, 1);
  refused(mask, "inpainting.mask.shape", "was [16, 32]");
  *Mask(&mask) = Filled({16}, std::numeric_limits<float>::quiet_NaN());
  refused(mask, "inpainting.mask.data", "must be finite");
  Mask(&mask)->Clear();
  refused(mask, "inpainting.mask.data_type", "is required: FLOAT32");
  *MriMask(&mri) = Filled({3, 32, 16}, 1);
  refused(mri, "mri.mask.shape", "broadcastable to [32, 16]");
  MriMask(&mri)->set_data_type(v1::Tensor::UINT8);
  refused(mri, "mri.mask.data_type", "must be FLOAT32");
  *Kernel(&kernel) = Filled({5, 3}, 1);
  refused(kernel, "blur.custom.shape", "must be [k, k]; was [5, 3]");
  *Kernel(&kernel) = Filled({5, 5, 1}, 1);
  refused(kernel, "blur.custom.shape", "must be [k, k]; was [5, 5, 1]");
}

}  // namespace
}  // namespace tweedie
