#!/usr/bin/env python3
"""Negative controls: each rule of check_layering.py fails on a tree that breaks it."""
import pathlib
import tempfile
import unittest

import check_layering

CLEAN = {
    "core/base/clock.h": "#include <string>\n",
    "core/base/status_macros.h": "",
    "core/noise/noise.h": '#include <ATen/core/Tensor.h>\n#include "core/base/clock.h"\n',
    "core/nn/unet.h": "#include <torch/nn.h>\n",
    "core/methods/method.h": '#include "core/noise/noise.h"\n',
    "core/engine/engine.h": '#include "core/methods/method.h"\n',
    "core/jobs/sqlite/store.h": '#include "core/jobs/job.h"\n',
    "core/jobs/job.h": "",
    "server/convert/job_proto.h": '#include "core/jobs/job.h"\n#include "tweedie/v1/job.pb.h"\n',
    "server/runner/runner.h": '#include "core/engine/engine.h"\n',
    "server/rpc/service.h": '#include <grpcpp/grpcpp.h>\n#include "server/runner/runner.h"\n',
    "server/main.cc": '#include "server/rpc/service.h"\n',
    "client/cli/main.cc": '#include "core/base/status_macros.h"\n#include "client/cpp/client.h"\n',
    "client/cpp/client.h": '#include "tweedie/v1/tweedie_service.grpc.pb.h"\n',
    "tests/unit/engine_test.cc": '#include "server/runner/runner.h"\n#include <torch/torch.h>\n',
}


def errors_with(changes):
    """Returns the errors of the clean tree with some files added or changed."""
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for name, text in {**CLEAN, **changes}.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text, encoding="utf-8")
        return check_layering.check(root)[0]


class CheckLayeringTest(unittest.TestCase):
    def assert_caught(self, changes, message):
        errors = errors_with(changes)
        self.assertEqual(len(errors), 1, errors)
        self.assertIn(message, errors[0])
        self.assertIn(next(iter(changes)), errors[0])

    def test_clean_tree_passes(self):
        self.assertEqual(errors_with({}), [])

    def test_edges_against_the_order_are_caught(self):
        for path, include in [
                ("core/base/file.h", "core/jobs/job.h"),
                ("core/diffusion/schedule.h", "core/methods/method.h"),
                ("core/methods/ddim.cc", "core/engine/engine.h"),
                ("core/engine/batch.cc", "core/jobs/job.h"),
                ("core/jobs/blob.cc", "core/noise/noise.h"),
                ("server/convert/task.cc", "core/engine/engine.h"),
                ("server/convert/model.cc", "server/runner/runner.h"),
                ("server/runner/sink.cc", "server/rpc/service.h"),
                ("server/http/page.cc", "server/rpc/service.h"),
                ("client/cli/run.cc", "core/base/clock.h"),
                ("client/cpp/retry.cc", "server/runner/runner.h"),
                ("imaging/png.cc", "core/jobs/job.h")]:
            with self.subTest(path=path):
                self.assert_caught({path: f'  #  include "{include}"\n'}, "may not depend on")

    def test_the_server_does_not_know_the_client(self):
        self.assert_caught({"server/http/x.cc": '#include "client/cpp/client.h"\n'}, "client/cpp")

    def test_libtorch_and_grpc_in_one_file_are_caught(self):
        both = "#include <grpcpp/grpcpp.h>\n#include <ATen/ATen.h>\n"
        self.assert_caught({"server/rpc/both.cc": both}, "both LibTorch and gRPC")
        self.assert_caught({"tests/integration/both.cc": both}, "both LibTorch and gRPC")

    def test_grpc_and_protobuf_in_core_are_caught(self):
        self.assert_caught({"core/jobs/a.cc": "#include <grpc/grpc.h>\n"}, "gRPC, which core")
        self.assert_caught({"core/jobs/a.cc": "#include <google/protobuf/message.h>\n"}, "protobuf, which core")
        errors = errors_with({"core/jobs/a.cc": '#include "tweedie/v1/job.pb.h"\n'})
        self.assertEqual(len(errors), 2, errors)  # the edge to proto, and protobuf

    def test_dear_headers_are_caught_outside_nn(self):
        self.assert_caught({"core/methods/a.h": "#include <torch/torch.h>\n"}, "torch/torch.h")
        self.assert_caught({"server/runner/a.h": "#include <ATen/ATen.h>\n"}, "ATen/ATen.h")

    def test_libtorch_in_the_client_is_caught(self):
        self.assert_caught({"client/cli/a.cc": "#include <ATen/core/Tensor.h>\n"}, "does not link")

    def test_a_folder_without_a_layer_is_caught(self):
        self.assert_caught({"core/misc/a.h": ""}, "lies in no layer")

    def test_paths_from_elsewhere_than_the_root_are_caught(self):
        self.assert_caught({"core/jobs/a.cc": '#include "../methods/method.h"\n'}, "no path from")
        self.assert_caught({"core/jobs/a.cc": '#include "job.h"\n'}, "no path from")

    def test_allowed_layers_make_no_cycle(self):
        done = set()
        while len(done) < len(check_layering.LAYERS):
            ready = {name for name, allowed in check_layering.LAYERS.items() if allowed - {name} <= done} - done
            self.assertTrue(ready, f"cycle among {set(check_layering.LAYERS) - done}")
            done |= ready


if __name__ == "__main__":
    unittest.main()
