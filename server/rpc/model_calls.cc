#include "server/rpc/model_calls.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/base/utf8.h"
#include "server/rpc/page_token.h"
#include "server/rpc/resource_names.h"

namespace tweedie {
namespace {

void DescribeRead(const ModelEntry& entry, const ServiceParts& parts, v1::Model& proto) {
  const ModelDescription& model = *entry.model;
  const bool resident = parts.pool->IsResident(entry.name);
  // Its weights went, and what the files have become is of no use.
  const bool lost = !resident && !entry.error.ok();
  proto.set_state(resident ? v1::Model::READY : lost ? v1::Model::FAILED : v1::Model::UNLOADED);
  for (const int64_t size : model.diffusion->image_shape) {
    proto.add_image_shape(static_cast<int>(size));
  }
  proto.set_num_timesteps(model.diffusion->schedule.num_timesteps());
  proto.set_num_parameters(model.num_parameters);
  proto.set_num_classes(model.diffusion->num_classes);
  proto.set_dialect(model.dialect);
  proto.set_weights_sha256(model.weights_sha256);
  proto.set_origin(ToUtf8(model.origin));
  for (const std::string& assumption : model.assumptions) {
    proto.add_assumptions(ToUtf8(assumption));
  }
  if (resident) *proto.mutable_devices() = parts.info.devices();
  proto.set_precision(parts.precision);
  proto.mutable_load_time()->set_seconds(absl::ToUnixSeconds(entry.read_time));
  proto.set_max_batch_rows(parts.max_batch_rows);
}

v1::Model Describe(const ModelEntry& entry, const ServiceParts& parts) {
  v1::Model proto;
  proto.set_name(absl::StrCat("models/", entry.name));
  if (entry.model != nullptr) {
    DescribeRead(entry, parts, proto);
  } else {
    proto.set_state(v1::Model::FAILED);
  }
  proto.set_error(ToUtf8(entry.error.message()));  // files put any bytes into it
  return proto;
}

}  // namespace

absl::StatusOr<v1::Model> GetModel(const v1::GetModelRequest& request, const ServiceParts& parts) {
  ASSIGN_OR_RETURN(const std::string name, ParseModelName(request.name()));
  const ModelRepository::Entry entry = parts.pool->models().Find(name);
  if (entry == nullptr) return absl::NotFoundError(absl::StrCat("no model models/", name));
  return Describe(*entry, parts);
}

absl::StatusOr<v1::ListModelsResponse> ListModels(const v1::ListModelsRequest& request,
                                                  const ServiceParts& parts) {
  ASSIGN_OR_RETURN(const int page_size, ResolvePageSize(request.page_size()));
  ASSIGN_OR_RETURN(const std::optional<int64_t> cursor,
                   ParsePageToken(request.page_token(), "models"));
  const auto entries = parts.pool->models().entries();
  const int64_t count = static_cast<int64_t>(entries.size());
  const int64_t first = std::clamp<int64_t>(cursor.value_or(0), 0, count);
  const int64_t end = std::min<int64_t>(first + page_size, count);
  v1::ListModelsResponse response;
  for (int64_t i = first; i < end; ++i) *response.add_models() = Describe(*entries[i], parts);
  if (end < count) response.set_next_page_token(MakePageToken(end, "models"));
  return response;
}

}  // namespace tweedie
