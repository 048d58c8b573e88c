"""One network call in the engines that users would pick instead. Each engine is a function of no arguments that
makes one call and returns its output; making it may take long (compiling)."""
import io
import os
from typing import Callable, Dict

import torch

from . import networks

Engine = Callable[[], torch.Tensor]


class Plain(torch.nn.Module):
    """The UNet with a tensor as its result."""

    def __init__(self, unet):
        super().__init__()
        self.unet = unet

    def forward(self, x, t):
        return self.unet(x, t, return_dict=False)[0]


def eager(net, x, t) -> Dict[str, Engine]:
    def in_bf16():
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return net(x, t)
    return {"diffusers fp32": lambda: net(x, t), "diffusers bf16": in_bf16}


def compiled(net, x, t) -> Dict[str, Engine]:
    import torch._inductor.config as inductor
    inductor.freezing = True
    torch._dynamo.reset()
    fast = torch.compile(net)
    return {"torch.compile fp32": lambda: fast(x, t)}


def openvino(net, x, t) -> Dict[str, Engine]:
    import openvino as ov
    core = ov.Core()
    model = ov.convert_model(net, example_input=(x, t))
    model.reshape({model.inputs[0]: list(x.shape), model.inputs[1]: list(t.shape)})
    engines = {}
    for name, precision in (("OpenVINO fp32", "f32"), ("OpenVINO bf16", "bf16")):
        options = {"INFERENCE_PRECISION_HINT": precision, "INFERENCE_NUM_THREADS": os.cpu_count(),
                   "PERFORMANCE_HINT": "LATENCY"}
        request = core.compile_model(model, "CPU", options).create_infer_request()
        engines[name] = lambda request=request: torch.from_numpy(request.infer([x.numpy(), t.numpy()])[0])
    return engines


def onnxruntime(net, x, t) -> Dict[str, Engine]:
    import onnxruntime as ort
    file = io.BytesIO()
    torch.onnx.export(net, (x, t), file, input_names=["x", "t"], opset_version=17, dynamo=False)
    options = ort.SessionOptions()
    options.intra_op_num_threads = os.cpu_count()
    session = ort.InferenceSession(file.getvalue(), options, providers=["CPUExecutionProvider"])
    feed = {"x": x.numpy(), "t": t.numpy()}
    return {"ONNX Runtime fp32": lambda: torch.from_numpy(session.run(None, feed)[0])}


def all_engines(unet, rows: int, with_compile: bool) -> Dict[str, Engine]:
    """By name. Gradients are to be off (torch.set_grad_enabled)."""
    net = Plain(unet)
    x, t = networks.input_of(unet, rows)
    makers = [eager, openvino, onnxruntime] + ([compiled] if with_compile else [])
    return {name: engine for make in makers for name, engine in make(net, x, t).items()}


def deviations(engines: Dict[str, Engine]) -> Dict[str, float]:
    """How far each one's output is from diffusers', at most, over the largest value: that all compute the same."""
    right = engines["diffusers fp32"]()
    return {name: float((engine() - right).abs().max() / right.abs().max()) for name, engine in engines.items()}
