"""What a network's forward pass costs: operations, bytes and launches."""
import torch
from torch.utils.flop_counter import FlopCounterMode


def counts(network, work, device):
    """`flop` of products and convolutions; `bytes`, if each layer reads its input and parameters and writes its output once; and on a card
    `launches`, the kernels that ran."""
    with FlopCounterMode(display=False) as counter:
        work()
    return {"flop": counter.get_total_flops(), "bytes": traffic(network, work), "launches": launches(work, device)}


def traffic(network, work):
    total = 0

    def add(module, inputs, output):
        nonlocal total
        tensors = [*inputs, *(output if isinstance(output, tuple) else [output]), *module.parameters()]
        total += sum(tensor.nbytes for tensor in tensors if isinstance(tensor, torch.Tensor))

    layers = [module for module in network.modules() if not list(module.children())]
    hooks = [layer.register_forward_hook(add) for layer in layers]
    work()
    for hook in hooks:
        hook.remove()
    return total


def launches(work, device):
    if not device.startswith("cuda"):
        return None
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as profile:
        work()
        torch.cuda.synchronize()
    kernels = [event for event in profile.events() if event.device_type == torch.autograd.DeviceType.CUDA]
    return len(kernels)
