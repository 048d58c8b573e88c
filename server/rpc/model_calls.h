#ifndef TWEEDIE_SERVER_RPC_MODEL_CALLS_H_
#define TWEEDIE_SERVER_RPC_MODEL_CALLS_H_

#include "absl/status/statusor.h"
#include "server/rpc/service_parts.h"
#include "tweedie/v1/tweedie_service.pb.h"

namespace tweedie {

// The bodies of the RPCs about models. Thread-safe; never block.
absl::StatusOr<v1::Model> GetModel(const v1::GetModelRequest& request, const ServiceParts& parts);
absl::StatusOr<v1::ListModelsResponse> ListModels(const v1::ListModelsRequest& request,
                                                  const ServiceParts& parts);

}  // namespace tweedie

#endif  // TWEEDIE_SERVER_RPC_MODEL_CALLS_H_
