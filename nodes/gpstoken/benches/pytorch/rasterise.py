"""A splat by tiles of pixels in Triton, as rasterisers of Gaussians work: a list of tokens for each tile, and a program that sums each list."""
import torch
import triton
import triton.language as tl

SIDE = 16  # pixels of a tile along each axis


def splat(tokens, height, width, support=3.0):
    """Tokens [B, N, 5 + C] to a map [B, C, height, width]."""
    batch, count, channels = tokens.shape[0], tokens.shape[1], tokens.shape[2] - 5
    down, across = triton.cdiv(height, SIDE), triton.cdiv(width, SIDE)
    starts, members = lists(tokens, [height, width], [down, across], support)
    result = torch.empty(batch, channels, height, width, device=tokens.device, dtype=tokens.dtype)
    padded = triton.next_power_of_2(max(channels, 16))
    tile[(batch * down * across,)](
        tokens.contiguous(), starts, members, result, count, height, width, across, down * across, support, channels, padded, SIDE
    )
    return result


def lists(tokens, size, tiles, support):
    """The tokens that reach each tile, one list after the other, and where the lists begin."""
    reaches = []
    for sigma, centre, pixels, parts in ((1, 4, size[0], tiles[0]), (0, 3, size[1], tiles[1])):
        reach = support * tokens[..., sigma].float()
        middle = tokens[..., centre].float()
        first = torch.arange(parts, device=tokens.device) * SIDE
        last = (first + SIDE - 1).clamp(max=pixels - 1)
        low, high = (2 * edge / (pixels - 1) - 1 for edge in (first, last))
        reaches.append(((middle + reach)[..., None] >= low) & ((middle - reach)[..., None] <= high))  # [B, N, parts]
    inside = (reaches[0][:, :, :, None] & reaches[1][:, :, None, :]).flatten(2).transpose(1, 2)  # [B, tiles, N]
    members = inside.flatten(0, 1).nonzero()[:, 1].to(torch.int32)
    ends = inside.flatten(0, 1).sum(1).cumsum(0).to(torch.int32)
    return torch.cat([ends.new_zeros(1), ends]), members


@triton.jit
def tile(
    tokens, starts, members, result, count, height, width, across, tiles, support,
    CHANNELS: tl.constexpr, PADDED: tl.constexpr, SIDE: tl.constexpr,
):
    program = tl.program_id(0)
    picture = program // tiles
    place = program % tiles
    pixel = tl.arange(0, SIDE * SIDE)
    row = place // across * SIDE + pixel // SIDE
    column = place % across * SIDE + pixel % SIDE
    channel = tl.arange(0, PADDED)
    x = 2.0 * column.to(tl.float32) / (width - 1) - 1.0
    y = 2.0 * row.to(tl.float32) / (height - 1) - 1.0
    sums = tl.zeros((SIDE * SIDE, PADDED), tl.float32)
    i = tl.load(starts + program)
    end = tl.load(starts + program + 1)
    while i < end:
        token = tokens + (picture * count + tl.load(members + i)) * (5 + CHANNELS)
        sigma_x = tl.load(token).to(tl.float32)
        sigma_y = tl.load(token + 1).to(tl.float32)
        rho = tl.load(token + 2).to(tl.float32)
        dx = x - tl.load(token + 3).to(tl.float32)
        dy = y - tl.load(token + 4).to(tl.float32)
        form = (dx / sigma_x) * (dx / sigma_x) - 2.0 * rho * dx * dy / (sigma_x * sigma_y) + (dy / sigma_y) * (dy / sigma_y)
        inside = (tl.abs(dx) <= support * sigma_x) & (tl.abs(dy) <= support * sigma_y)
        weight = tl.where(inside, tl.exp(-form / (2.0 * (1.0 - rho * rho))), 0.0)
        texture = tl.load(token + 5 + channel, mask=channel < CHANNELS, other=0.0).to(tl.float32)
        sums += weight[:, None] * texture[None, :]
        i += 1
    at = ((picture * CHANNELS + channel[None, :]) * height + row[:, None]) * width + column[:, None]
    keep = (row[:, None] < height) & (column[:, None] < width) & (channel[None, :] < CHANNELS)
    tl.store(result + at, sums.to(result.dtype.element_ty), mask=keep)
