# Made by `python -m splatgraph.stubs`.
from os import PathLike
from typing import Any, Iterable, Literal, Mapping, NamedTuple, Optional

from ._graph import Graph
from ._session import Session

class Output(NamedTuple):
    node: "Node"
    name: str

class Input(NamedTuple):
    node: "Node"
    name: str

class Node:
    def output(self, name: str) -> Output: ...
    def input(self, name: str) -> Input: ...

def of(session: Session) -> Any: ...
def graph(
    *, outputs: Mapping[str, Any] = ..., inputs: Mapping[str, Any] = ..., nodes: Iterable[Node] = ..., title: str = ...,
    session: Optional[Session] = ...,
) -> Graph: ...

class _gpstoken:
    class _LoadTokenizer(Node):
        tokenizer: Output
    def LoadTokenizer(self, *, model: str | PathLike | Node | Output = 'small', map_width: int | Node | Output = 0, map_height: int | Node | Output = 0, support: float | Node | Output = 0.0, device: str | Node | Output = None, id: Optional[str] = None) -> _LoadTokenizer:
        """Loads a tokenizer: an official checkpoint without conversion, or one that TrainTokenizer wrote.

        The node reads .safetensors and .pth files in f32, f16 or bf16, and takes all sizes from the shapes of the weights. It
        reads a file again only if the file has changed."""
    class _Encode(Node):
        features: Output
    def Encode(self, *, tokenizer: Node | Output, image: Node | Output, id: Optional[str] = None) -> _Encode:
        """Turns a picture into the feature map that RefineTokens samples (paper, section 3.3).

        The picture may have any size. The node encodes it in tiles of 256 x 256 pixels, each by itself. Tiles at the right and
        lower border that reach beyond the picture repeat its last pixels."""
    class _InitTokens(Node):
        layout: Output
        count: Output
    def InitTokens(self, *, image: Node | Output, tokens: int | Node | Output = 128, exponent: float | Node | Output = 2.5, min_region: int | Node | Output = 8, weight_map: Node | Output = None, weight: float | Node | Output = 50.0, threshold: float | Node | Output = 0.0, weight_mode: Literal['add', 'multiply'] | Node | Output = 'add', id: Optional[str] = None) -> _InitTokens:
        """Places more tokens where the picture has more detail: cuts it into regions by their entropy and starts a gaussian in each
        region (paper, section 3.2).

        The picture may have any size. The node cuts it in tiles of 256 x 256 pixels, and each tile gets `tokens` tokens. A tile
        that reaches beyond the picture has its tokens where the picture is. With a threshold, the number of tokens depends on the
        picture. FindTokenCount finds the number for a wanted PSNR."""
    class _GridTokens(Node):
        layout: Output
    def GridTokens(self, *, image: Node | Output, tokens: int | Node | Output = 128, id: Optional[str] = None) -> _GridTokens:
        """Places tokens evenly, whatever the picture shows. Use this layout to compare InitTokens with.

        Each 256-pixel tile of the picture gets the same number of tokens. A tile that reaches beyond the picture is covered as a
        whole."""
    class _FindTokenCount(Node):
        tokens: Output
        psnr: Output
        reached: Output
    def FindTokenCount(self, *, tokenizer: Node | Output, image: Node | Output, psnr: float | Node | Output, low: int | Node | Output = 16, high: int | Node | Output = 256, exponent: float | Node | Output = 2.5, min_region: int | Node | Output = 8, weight_map: Node | Output = None, weight: float | Node | Output = 50.0, tiles: Literal['merged', 'separate', 'overlapping'] | Node | Output = 'merged', splat_tiles: Literal['merged', 'separate'] | Node | Output = 'merged', weight_mode: Literal['add', 'multiply'] | Node | Output = 'add', id: Optional[str] = None) -> _FindTokenCount:
        """Finds the smallest number of tokens that reconstructs a picture well enough. Link the result to the `tokens` of InitTokens.

        The node encodes the picture once and searches between `low` and `high` by halving the range. Each number takes a whole
        reconstruction: at most ten for 16 to 256. More tokens nearly always give a higher PSNR, but not always, so a number
        smaller than the result may also reach it. The node computes PSNR as std.Compare does: on pictures rounded to 8 bits, as
        the mean over the batch."""
    class _RefineTokens(Node):
        tokens: Output
    def RefineTokens(self, *, tokenizer: Node | Output, features: Node | Output, layout: Node | Output, geometry: Literal['refined', 'as given'] | Node | Output = 'refined', id: Optional[str] = None) -> _RefineTokens:
        """Turns a layout into tokens: moves and reshapes the gaussians and gives each a texture, from the features of the picture in
        the regions (paper, section 3.3)."""
    class _Splat(Node):
        map: Output
    def Splat(self, *, tokens: Node | Output, tokenizer: Node | Output = None, tiles: Literal['merged', 'separate'] | Node | Output = 'merged', scale: float | Node | Output = 1.0, id: Optional[str] = None) -> _Splat:
        """Spreads the tokens' textures over a map as gaussians (paper, section 3.1)."""
    class _Decode(Node):
        image: Output
    def Decode(self, *, tokenizer: Node | Output, map: Node | Output, tiles: Literal['merged', 'separate', 'overlapping'] | Node | Output = 'merged', id: Optional[str] = None) -> _Decode:
        """Turns a splatted map into a picture of the size that Encode got (paper, section 3.4).

        - `merged` decodes all tiles of a map as one picture and normalises each picture by its own statistics. The authors do
          this with their smaller models, up to 4 x 4 tiles. Larger maps are decoded `overlapping`.
        - `separate` decodes tile by tile. The authors do this with models that were trained on larger maps. It needs the least
          memory.
        - `overlapping` decodes windows that extend an eighth of a tile beyond the tile on each side, and blends them there. It
          makes no seams at any size and needs little memory, but about 1.6 times the work. It takes both settings of Splat: the
          tokenizer was trained on `separate`; `merged` lets tokens reach into the tiles around them, as edited tokens may have
          to.

        A map that Splat made larger than the tokenizer's own is decoded `overlapping` instead of `merged`.

        On the processor, an editor in a browser gets a draft of half the width and height first."""
    class _OptimizeTokens(Node):
        tokens: Output
        psnr: Output
        each: Output
    def OptimizeTokens(self, *, tokenizer: Node | Output, tokens: Node | Output, image: Node | Output, steps: int | Node | Output = 60, seconds: float | Node | Output = 0.0, psnr: float | Node | Output = 0.0, geometry: bool | Node | Output = True, learning_rate: float | Node | Output = 0.2, squared: float | Node | Output = 1.0, absolute: float | Node | Output = 0.0, ssim: float | Node | Output = 0.0, perceptual: float | Node | Output = 0.0, lpips: str | PathLike | Node | Output = None, weights: Node | Output = None, position: int | Node | Output = 0, size: int | Node | Output = 0, rho: int | Node | Output = 0, texture: int | Node | Output = 0, tiles: Literal['merged', 'separate', 'overlapping'] | Node | Output = 'merged', splat_tiles: Literal['merged', 'separate'] | Node | Output = 'merged', preview_every: int | Node | Output = 0, id: Optional[str] = None) -> _OptimizeTokens:
        """Improves tokens for their picture: moves them step by step so that the decoded picture comes nearer to the picture.

        Encode and RefineTokens make tokens in one pass. This node starts from them and follows the gradient of the loss back
        through Decode and Splat (Adam). The tokenizer stays as it is. With the defaults, 60 steps take about 25 s for a picture of
        256 x 256 pixels on two cores. The node returns the tokens with the smallest loss that it saw.

        To keep the gain in a file of SaveTokens, give both nodes the same bits. Each step then sees the rounded numbers, and the
        result lies on the steps of the file. The smallest and largest number of each group stay, and with them the steps.

        The node computes on the processor, and gives the same bits for any number of threads unless `seconds` stops it. It decodes
        one window at a time; a large picture needs the least memory with `tiles` = overlapping or separate."""
    class _SelectTokens(Node):
        selection: Output
        count: Output
    def SelectTokens(self, *, tokens: Node | Output, region: Any | Node | Output = None, mask: Node | Output = None, mask_threshold: float | Node | Output = 0.5, min_sigma: float | Node | Output = 0.0, max_sigma: float | Node | Output = 0.0, indices: Any | Node | Output = None, nearest: Any | Node | Output = None, nearest_count: int | Node | Output = 1, similar: Any | Node | Output = None, similar_count: int | Node | Output = 1, similarity: float | Node | Output = 0.9, id: Optional[str] = None) -> _SelectTokens:
        """Selects the tokens that meet all given criteria; without a criterion, all tokens.

        Places and sizes are in pixels of the canvas, x to the right and y downwards; pixel i covers i to i + 1. The place of a
        token is its mean. Padding is never selected. A selection may be empty; nodes that edit report this as an error unless
        their `if_empty` is "keep". CombineSelections joins selections with and, or, not and minus."""
    class _CombineSelections(Node):
        selection: Output
        count: Output
    def CombineSelections(self, *, a: Node | Output, b: Node | Output = None, operation: Literal['and', 'or', 'not', 'minus'] | Node | Output = 'and', tokens: Node | Output = None, id: Optional[str] = None) -> _CombineSelections:
        """Joins two selections, or inverts one.

        Values between 0 and 1 follow the laws of sets too: a selection joined with itself stays the same, the order does not
        matter, and not (a and b) equals (not a) or (not b)."""
    class _TransformTokens(Node):
        tokens: Output
    def TransformTokens(self, *, tokens: Node | Output, selection: Node | Output = None, move_x: float | Node | Output = 0.0, move_y: float | Node | Output = 0.0, scale_x: float | Node | Output = 1.0, scale_y: float | Node | Output = 1.0, rotate: float | Node | Output = 0.0, pivot: Literal['selection', 'canvas', 'point', 'each'] | Node | Output = 'selection', pivot_x: float | Node | Output = 0.0, pivot_y: float | Node | Output = 0.0, if_empty: Literal['error', 'keep'] | Node | Output = 'error', id: Optional[str] = None) -> _TransformTokens:
        """Moves, scales, mirrors and rotates tokens: one affine map about a pivot, applied to their means and covariances.

        The node scales first, then rotates, then moves. It computes in pixels, so a rotation stays a rotation on a canvas that is
        not square. A transform that changes nothing changes no bit. On a square canvas of whole tiles, four quarter turns or two
        mirrorings about its middle give every bit back; about other pivots, places may differ in their last bits. A partly
        selected token gets a mean and a covariance between the old and the new ones.

        Tokens may leave the canvas. They stay in the list and can be moved back, and any part that reaches into the canvas is
        visible. The log says how many no longer reach it. A token that would shrink below a hundredth of a pixel is an error."""
    class _DeleteTokens(Node):
        tokens: Output
    def DeleteTokens(self, *, tokens: Node | Output, selection: Node | Output, fill: bool | Node | Output = True, if_empty: Literal['error', 'keep'] | Node | Output = 'error', id: Optional[str] = None) -> _DeleteTokens:
        """Deletes tokens and lets their neighbours fill the hole.

        The node deletes each token that is selected by at least a half. A splat is a sum of gaussians, so a deleted token leaves
        a hole. With `fill`, each deleted token passes its weight in that sum to the tokens that overlap it most. These grow and
        lean into the hole, and so does their texture. The sum of all weights stays the same. Without `fill`, the other tokens do
        not change.

        The remaining tokens keep their order. In a batch, pictures that end up with fewer tokens than others are padded."""
    class _DuplicateTokens(Node):
        tokens: Output
        copies: Output
    def DuplicateTokens(self, *, tokens: Node | Output, selection: Node | Output = None, move_x: float | Node | Output = 0.0, move_y: float | Node | Output = 0.0, if_empty: Literal['error', 'keep'] | Node | Output = 'error', id: Optional[str] = None) -> _DuplicateTokens:
        """Appends copies of tokens to the list, moved by some pixels.

        The copies lie on top of existing tokens. A splat adds up, so both show through each other: first delete the tokens that
        the copies should cover. The copy of a partly selected token has its texture scaled by how much the token is selected."""
    class _ReplaceTextures(Node):
        tokens: Output
    def ReplaceTextures(self, *, tokens: Node | Output, selection: Node | Output = None, source: Node | Output = None, source_selection: Node | Output = None, if_empty: Literal['error', 'keep'] | Node | Output = 'error', id: Optional[str] = None) -> _ReplaceTextures:
        """Gives tokens the textures of other tokens and keeps their geometry.

        Each selected token takes the texture of the nearest source token. Places are compared as 0 to 1 within the bounding box
        of the selected means, and within the bounding box of the source's means. So a source of one token gives its texture to
        all, and a source of the same size copies place by place. A partly selected token gets a mixture of its own texture and
        the new one."""
    class _EditTokens(Node):
        tokens: Output
    def EditTokens(self, *, tokens: Node | Output, edits: Any | Node | Output, mask: Node | Output = None, id: Optional[str] = None) -> _EditTokens:
        """Applies a list of edits in order. Each edit selects among the tokens that the edits before it left.

        An edit is an object:

        - `edit` is the kind: "transform", "delete", "duplicate" or "replace_textures".
        - `select` says which tokens, with the criteria of SelectTokens by their names: `region`, `mask_threshold`, `min_sigma`,
          `max_sigma`, `indices`, `nearest`, `nearest_count`, `similar`, `similar_count`, `similarity`. Left out: all tokens.
        - `if_empty` is "error" or "keep".
        - The other keys are inputs of the node that does this kind of edit. "transform" has move_x, move_y, scale_x, scale_y,
          rotate, pivot, pivot_x, pivot_y; "delete" has fill; "duplicate" has move_x, move_y; "replace_textures" has source, the
          criteria for the tokens whose textures it takes.

        The result equals a chain of those nodes bit for bit. One thing differs: every index must exist in every picture of a batch."""
    class _MixTokens(Node):
        tokens: Output
    def MixTokens(self, *, geometry: Node | Output, textures: Node | Output, texture_weight: float | Node | Output = 0.0, id: Optional[str] = None) -> _MixTokens:
        """Combines the geometry of one picture with the textures of another.

        The node matches tokens so that the sum of the costs is as small as possible (optimal assignment). The cost of a pair is
        the squared distance of the means, in units of half the canvas's longer side, plus `texture_weight` times 1 minus the
        cosine similarity of the textures. Each texture is used once. If there are fewer textures than tokens, each remaining
        token takes the texture with the least cost.

        Textures fit the geometry they were made for. To see a picture through the layout of another in full quality, refine its
        features with that layout (`graphs/mix-layout-texture.json` does both)."""
    class _InterpolateTokens(Node):
        tokens: Output
    def InterpolateTokens(self, *, a: Node | Output, b: Node | Output, frames: int | Node | Output = 9, t: float | Node | Output = 0.5, texture_weight: float | Node | Output = 0.1, id: Optional[str] = None) -> _InterpolateTokens:
        """Morphs the tokens of one picture into the tokens of another, frame by frame.

        The node matches tokens as MixTokens does. It interpolates sigmas linearly between their logits, and rho and places
        linearly between their inverse hyperbolic tangents, in the way the network itself moves gaussians. It interpolates
        textures linearly. Where one picture has more tokens, tokens without a partner stay in place and fade in or out.

        The first frame has the tokens of `a` and the last frame the tokens of `b`, bit for bit. A row is the same token in all
        frames."""
    class _ComplexityMap(Node):
        image: Output
        mask: Output
        largest: Output
        each: Output
    def ComplexityMap(self, *, image: Node | Output, layout: Node | Output, exponent: float | Node | Output = 2.5, id: Optional[str] = None) -> _ComplexityMap:
        """Shows the complexity of each region per pixel: entropy^exponent of the gradients in it (paper, section 3.2). Dark regions
        have little detail, bright regions have much.

        The whole complexity of a region is this value times its pixels. InitTokens always cuts the region with the largest whole
        complexity."""
    class _DrawTokens(Node):
        image: Output
    def DrawTokens(self, *, tokens: Node | Output, image: Node | Output = None, scale: int | Node | Output = 1, sigmas: int | Node | Output = 1, ids: bool | Node | Output = False, colour: Literal['size', 'energy', 'selection'] | Node | Output = 'size', selection: Node | Output = None, before: Node | Output = None, id: Optional[str] = None) -> _DrawTokens:
        """Draws each token as an ellipse at one sigma, small ones in warm and large ones in cool colours, and the outlines of the
        regions if there are any.

        `before` shows the effect of an edit: the node draws its tokens faintly. If both have equally many tokens, red lines lead
        from the old place of each token to the new one."""
    class _SaveTokensSvg(Node):
        path: Output
        paths: Output
    def SaveTokensSvg(self, *, tokens: Node | Output, path: str | PathLike | Node | Output, image: Node | Output = None, colour: Literal['size', 'energy', 'selection'] | Node | Output = 'size', selection: Node | Output = None, ids: bool | Node | Output = False, id: Optional[str] = None) -> _SaveTokensSvg:
        """Writes tokens as an SVG file: an ellipse at one sigma for each token, a line at two, the regions, and the numbers of a
        token when the pointer rests on it.

        Any browser shows the file at any size, and editors of vector graphics open it. A batch makes one file for each picture."""
    class _Lpips(Node):
        lpips: Output
        each: Output
        map: Output
    def Lpips(self, *, a: Node | Output, b: Node | Output, model: str | PathLike | Node | Output, device: str | Node | Output = None, id: Optional[str] = None) -> _Lpips:
        """Measures how different two pictures look to a network that was trained on photos (LPIPS 0.1, Zhang et al. 2018).

        LPIPS agrees with people better than PSNR does, above all about blur. Smaller is better, and 0.5 is a large distance.
        Values of AlexNet and VGG16 are not comparable: always name the network. The node does not round the pictures. The
        weights are not part of the pack; its README says where to get them. VGG16 needs about 800 bytes of memory for each
        pixel."""
    class _ImageFeatures(Node):
        features: Output
    def ImageFeatures(self, *, image: Node | Output, model: str | PathLike | Node | Output, convention: Literal['adm', 'pytorch-fid', 'torch-fidelity', 'clean-fid'] | Node | Output = 'adm', device: str | Node | Output = None, id: Optional[str] = None) -> _ImageFeatures:
        """Computes the features from which FID, sFID, KID, inception score, precision and recall are made: InceptionV3 without its last layer.

        Save the features of each picture of a batch with std.SaveRecord, or collect them with `batch --collect features`. FeatureStatistics,
        LoadFeatures and the measures read the folder. Public programs disagree by up to a factor of two for the same pictures, because they
        prepare pictures differently; the convention says whose way it is, and features of two conventions can't be mixed. The weights are not
        part of the pack; its README says where to get them."""
    class _LoadFeatures(Node):
        features: Output
        count: Output
    def LoadFeatures(self, *, path: str | PathLike | Node | Output, id: Optional[str] = None) -> _LoadFeatures:
        """Loads all features of a folder, for measures that compare all pictures: KID, inception score, precision and recall.

        The files are records (.safetensors) of ImageFeatures, one for each picture or for many, in the order of their names. The features of
        50,000 pictures take 1 GB."""
    class _FeatureStatistics(Node):
        statistics: Output
        count: Output
    def FeatureStatistics(self, *, path: str | PathLike | Node | Output = None, features: Node | Output = None, id: Optional[str] = None) -> _FeatureStatistics:
        """Sums up features for FrechetDistance: the mean and the covariance over all pictures.

        The sums are exact, so any order of pictures, any number of files and any split into parts give the same bits. The node reads one file at
        a time. To join the statistics of several machines, save them with std.SaveRecord into one folder, and give that folder."""
    class _LoadStatistics(Node):
        statistics: Output
    def LoadStatistics(self, *, path: str | PathLike | Node | Output, convention: Literal['adm', 'pytorch-fid', 'torch-fidelity', 'clean-fid'] | Node | Output = 'adm', id: Optional[str] = None) -> _LoadStatistics:
        """Loads the statistics of another program (.npz): ADM's reference batches, and the files of pytorch-fid and clean-fid.

        The node reads `mu` and `sigma`, and for sFID `mu_s` and `sigma_s`. Such a file does not say with which weights and in which way it was
        made; name the program."""
    class _SaveStatistics(Node):
        path: Output
    def SaveStatistics(self, *, statistics: Node | Output, path: str | PathLike | Node | Output, id: Optional[str] = None) -> _SaveStatistics:
        """Writes statistics for other programs (.npz): `mu`, `sigma`, `mu_s` and `sigma_s`, as ADM's evaluator, pytorch-fid and clean-fid read them.

        The file keeps no convention, no hash of the weights and no exact sums. To join statistics later, use std.SaveRecord."""
    class _FrechetDistance(Node):
        distance: Output
        about: Output
    def FrechetDistance(self, *, statistics: Node | Output, reference: Node | Output, features: Literal['pool', 'spatial'] | Node | Output = 'pool', id: Optional[str] = None) -> _FrechetDistance:
        """Compares two sets of pictures by the statistics of their features: FID (Heusel et al. 2017, arXiv:1706.08500) or sFID.

        Smaller is better, and 0 means equal statistics. The distance falls with the number of pictures: papers use 50,000 generated ones. Both
        statistics must have one convention, one network and one file of weights."""
    class _KernelDistance(Node):
        distance: Output
        about: Output
    def KernelDistance(self, *, features: Node | Output, reference: Node | Output, id: Optional[str] = None) -> _KernelDistance:
        """Compares two sets of pictures by a polynomial kernel of their features: KID (Bińkowski et al. 2018, arXiv:1801.01401).

        Smaller is better. The estimate is unbiased, also for few pictures, and can be below 0. It takes all pairs; other programs take means over
        random subsets, which estimate the same number with more noise."""
    class _InceptionScore(Node):
        score: Output
        deviation: Output
        about: Output
    def InceptionScore(self, *, features: Node | Output, splits: int | Node | Output = 10, id: Optional[str] = None) -> _InceptionScore:
        """Measures how clear and how different generated pictures are (Salimans et al. 2016, arXiv:1606.03498).

        Larger is better. The score is computed over equal parts of the pictures in their order, without shuffling. ADM's evaluator makes parts
        of 5000 pictures, which are 10 parts of 50,000."""
    class _PrecisionRecall(Node):
        precision: Output
        recall: Output
        about: Output
    def PrecisionRecall(self, *, features: Node | Output, reference: Node | Output, neighbours: int | Node | Output = 3, id: Optional[str] = None) -> _PrecisionRecall:
        """Measures how many generated pictures look real, and how many kinds of real pictures are generated (Kynkäänniemi et al. 2019,
        arXiv:1904.06991).

        Precision is the share of generated pictures inside the balls around real ones, and recall the share of real pictures inside the balls
        around generated ones. A ball reaches to a neighbour of its own set. Papers compare 10,000 real with 50,000 generated pictures, or 10,000
        with 10,000; the numbers depend on that."""
    class _SaveTokens(Node):
        path: Output
        bytes: Output
    def SaveTokens(self, *, tokens: Node | Output, path: str | PathLike | Node | Output, position: int | Node | Output = 9, size: int | Node | Output = 7, rho: int | Node | Output = 6, texture: int | Node | Output = 6, id: Optional[str] = None) -> _SaveTokens:
        """Writes tokens to a compact file (.gpst).

        The node rounds each number to one of 2^bits equal steps between the smallest and the largest number of its group, and
        codes the steps by their entropy. The largest error is half a step. A group with 0 bits is stored exactly, as f32. With
        the defaults a picture of 128 tokens takes about 3 kB.

        The file keeps the header, order and counts of the tokens. Rows that are padding come back as zeros. The node creates
        missing folders, and the file appears under its name only when it is complete. For other programs, std.SaveRecord writes a
        .safetensors file. FORMAT.md beside the source of this pack describes the bytes of a .gpst file."""
    class _LoadTokens(Node):
        tokens: Output
    def LoadTokens(self, *, path: str | PathLike | Node | Output, id: Optional[str] = None) -> _LoadTokens:
        """Reads tokens from a compact file (.gpst) that SaveTokens wrote.

        A file that is damaged, cut off or of a newer format is an error; a checksum covers all bytes. To read tokens from a
        .safetensors file, use std.LoadRecord."""
    class _LoadGenerator(Node):
        generator: Output
    def LoadGenerator(self, *, model: str | PathLike | Node | Output, heads: int | Node | Output = 0, normalisation: Any | Node | Output = None, device: str | Node | Output = None, id: Optional[str] = None) -> _LoadGenerator:
        """Loads a generator (SiT) of layouts, of textures, or of both together: the official checkpoint without conversion, a
        compatible one, or one inside the pack.

        The node reads .safetensors and .pth files in f32, f16 or bf16, and takes the sizes from the shapes of the weights. A
        checkpoint with a condition (`cond_embedder`) is a generator of textures. A checkpoint without one and with 5 channels
        is a generator of layouts; with more channels it is a generator of tokens, for TokenDiffusion. The node reads a file
        again only if the file has changed. The metadata of the checkpoint may name its classes in a list (key `classes`).

        The generator works on normalised numbers. Means and stds, one for each channel, bring them to the scale of the data.
        The node takes them from the first of these places that has them: the input `normalisation`; the metadata of the
        checkpoint (key `normalisation`); `NAME.normalisation.json` beside `NAME.safetensors`; for the official texture
        generator, the official values. For layouts they are those of the gaussians (sigma_x, sigma_y, rho, x, y). For
        textures they are those of the differences to the layout's gaussians, then of the textures. For tokens they are those
        of the gaussians, then of the textures."""
    class _LayoutDiffusion(Node):
        layout: Output
    def LayoutDiffusion(self, *, generator: Node | Output, classes: list[int | str] | list[Node | Output] = None, seed: int | Node | Output = 0, count: int | Node | Output = 1, tokens: int | Node | Output = 0, steps: int | Node | Output = 6, sampler: Literal['sde', 'sde_heun', 'euler', 'midpoint', 'heun2', 'heun3', 'rk4', 'dopri5'] | Node | Output = 'euler', guidance_scale: float | Node | Output = 1.5, guidance_low: float | Node | Output = 0.0, guidance_high: float | Node | Output = 1.0, diffusion: Literal['SBDM', 'sigma', 'linear', 'constant', 'decreasing', 'increasing-decreasing'] | Node | Output = 'SBDM', last_step: Literal['Mean', 'Tweedie', 'Euler', 'None'] | Node | Output = 'Mean', calibrate: bool | Node | Output = True, noise: Any | Node | Output = None, id: Optional[str] = None) -> _LayoutDiffusion:
        """Samples layouts for a class from noise: the gaussians that TextureDiffusion starts from (paper, section 3.3).

        A layout depends on its seed and class, not on the rest of the batch. Picture i has the seed `seed + i`."""
    class _LayoutBank(Node):
        layout: Output
    def LayoutBank(self, *, path: str | PathLike | Node | Output, index: int | Node | Output = 0, count: int | Node | Output = 1, id: Optional[str] = None) -> _LayoutBank:
        """Takes layouts from a bank of recorded layouts: the authors' initg.pickle, or a record.

        The node reads the pickle without running any of its code. The pickle may hold a dict of classes, lists and NumPy
        arrays; the node refuses anything else by name. A record is a .safetensors file of the type LAYOUT. `splatgraph batch
        graphs/layout.json --collect layout`, for example, makes one from photos. Its field `classes` (int64, one number for
        each row) gives the class of each layout; without it, every class has all layouts. The node does not change the
        layouts."""
    class _BoxLayout(Node):
        layout: Output
    def BoxLayout(self, *, boxes: Any | Node | Output, tokens: int | Node | Output = 0, unit: Literal['pixels', 'fractions'] | Node | Output = 'pixels', id: Optional[str] = None) -> _BoxLayout:
        """Places tokens in boxes that you draw.

        A box is [x0, y0, x1, y1]: its left, upper, right and lower border, x to the right and y downwards. The node rounds it to
        whole pixels. Boxes may overlap.

        Without `tokens` each box is one token. With more tokens than boxes, all boxes get equally many, as far as their sizes
        allow. The node halves the parts of a box again and again, the longer side first, down to 4 pixels. So a small box gets
        small tokens and a large box gets large tokens. To give a box twice as many tokens, list it twice.

        The boxes need not cover the canvas. CalibrateLayout turns the result into a layout that a generator expects: a partition
        of the whole canvas, fine where tokens are dense."""
    class _CalibrateLayout(Node):
        layout: Output
    def CalibrateLayout(self, *, layout: Node | Output, id: Optional[str] = None) -> _CalibrateLayout:
        """Turns any layout into a legal one (paper, algorithm 2): equally many gaussians and regions that cover the canvas without
        overlap, as in the training of the models.

        Use it for layouts that were drawn, edited or generated. Only the means of the gaussians count: where means are dense,
        regions are small. A layout from InitTokens with regions of 8 pixels or more changes only its order."""
    class _TextureDiffusion(Node):
        tokens: Output
    def TextureDiffusion(self, *, generator: Node | Output, layout: Node | Output, classes: list[int | str] | list[Node | Output] = None, seed: int | Node | Output = 0, steps: int | Node | Output = 250, sampler: Literal['sde', 'sde_heun', 'euler', 'midpoint', 'heun2', 'heun3', 'rk4', 'dopri5'] | Node | Output = 'sde', guidance_scale: float | Node | Output = 1.5, guidance_low: float | Node | Output = 0.2, guidance_high: float | Node | Output = 1.0, diffusion: Literal['SBDM', 'sigma', 'linear', 'constant', 'decreasing', 'increasing-decreasing'] | Node | Output = 'SBDM', last_step: Literal['Mean', 'Tweedie', 'Euler', 'None'] | Node | Output = 'Mean', noise: Any | Node | Output = None, preview_every: int | Node | Output = 0, tokenizer: Node | Output = None, id: Optional[str] = None) -> _TextureDiffusion:
        """Samples tokens for a layout and a class from noise: moves the gaussians a little and gives each a texture (paper, section
        3.3).

        A picture depends on its seed, layout and class, not on the rest of the batch. Picture i has the seed `seed + i`. The
        README of the pack describes the noise."""
    class _TokenDiffusion(Node):
        tokens: Output
    def TokenDiffusion(self, *, generator: Node | Output, classes: list[int | str] | list[Node | Output] = None, seed: int | Node | Output = 0, count: int | Node | Output = 1, steps: int | Node | Output = 250, sampler: Literal['sde', 'sde_heun', 'euler', 'midpoint', 'heun2', 'heun3', 'rk4', 'dopri5'] | Node | Output = 'sde', guidance_scale: float | Node | Output = 1.5, guidance_low: float | Node | Output = 0.2, guidance_high: float | Node | Output = 1.0, diffusion: Literal['SBDM', 'sigma', 'linear', 'constant', 'decreasing', 'increasing-decreasing'] | Node | Output = 'SBDM', last_step: Literal['Mean', 'Tweedie', 'Euler', 'None'] | Node | Output = 'Mean', noise: Any | Node | Output = None, preview_every: int | Node | Output = 0, tokenizer: Node | Output = None, id: Optional[str] = None) -> _TokenDiffusion:
        """Samples tokens for a class from noise in one stage, without a layout: gaussians and textures come from the same generator
        (paper, table 2). LayoutDiffusion and TextureDiffusion are the two stages instead.

        A picture depends on its seed and class, not on the rest of the batch. Picture i has the seed `seed + i`. The README of the
        pack describes the noise."""
    class _TrainTokenizer(Node):
        path: Output
        loss: Output
    def TrainTokenizer(self, *, data: str | PathLike | Node | Output, output: str | PathLike | Node | Output = 'tokenizer.safetensors', start: str | PathLike | Node | Output = None, sizes: Any | Node | Output = None, steps: int | Node | Output = 10000, pictures: int | Node | Output = 4, token_counts: Any | Node | Output = None, seed: int | Node | Output = 0, learning_rate: float | Node | Output = 0.0003, warm_up: int | Node | Output = 200, weight_decay: float | Node | Output = 0.0, clip: float | Node | Output = 1.0, average: float | Node | Output = 0.999, absolute: float | Node | Output = 1.0, squared: float | Node | Output = 1.0, gradient: float | Node | Output = 0.5, perceptual: float | Node | Output = 0.0, lpips: str | PathLike | Node | Output = None, adversarial: float | Node | Output = 0.0, adversarial_from: int | Node | Output = 0, adversarial_channels: int | Node | Output = 64, save_minutes: float | Node | Output = 5.0, kept: Literal['f32', 'f16'] | Node | Output = 'f32', keep: int | Node | Output = 0, device: str | Node | Output = None, id: Optional[str] = None) -> _TrainTokenizer:
        """Trains a tokenizer on a folder of pictures and writes a checkpoint with the authors' keys.

        Each step takes `pictures` tiles and one number of `token_counts`, so that one model serves all these numbers. The tiles
        come from random places of random pictures at 1 to 8 times the size of a tile, and half of them are mirrored. The
        checkpoint holds the moving average of the weights.

        Beside `NAME.safetensors` the node writes more files:

        - `NAME.training.safetensors` is the state. From it, a training that stopped for any reason continues with the same result
          as without the stop.
        - `NAME.loss.csv` and `NAME.loss.png` have the loss of every step.
        - `NAME.examples.png` shows some pictures and their reconstructions.

        The node writes all of them every `save_minutes` and at the end. It also writes them on Ctrl-C if a step takes less than
        the second for which a run waits. To continue a finished training, set a larger number of steps.

        With `adversarial` a second network, a PatchGAN, learns in the same steps to tell the tokenizer's pictures from the
        pictures in the folder, and the tokenizer learns to deceive it. The loss of the PatchGAN is 1 if it cannot tell them apart
        and 0 if it always can. It is the last column of the table and the orange curve; `loss` does not contain the PatchGAN's
        judgement. The PatchGAN is stored in the state, not in the checkpoint."""
    class _TrainLayout(Node):
        path: Output
        loss: Output
    def TrainLayout(self, *, data: str | PathLike | Node | Output, output: str | PathLike | Node | Output = 'layout-generator.safetensors', tokens: int | Node | Output = 128, crops: int | Node | Output = 10000, depth: int | Node | Output = 3, width: int | Node | Output = 128, heads: int | Node | Output = 4, steps: int | Node | Output = 20000, pictures: int | Node | Output = 32, class_dropout: float | Node | Output = 0.1, seed: int | Node | Output = 0, learning_rate: float | Node | Output = 0.001, warm_up: int | Node | Output = 200, weight_decay: float | Node | Output = 0.0, clip: float | Node | Output = 1.0, average: float | Node | Output = 0.999, save_minutes: float | Node | Output = 5.0, kept: Literal['f32', 'f16'] | Node | Output = 'f32', keep: int | Node | Output = 0, device: str | Node | Output = None, id: Optional[str] = None) -> _TrainLayout:
        """Trains a generator of layouts on a folder that holds a folder of pictures for each class (paper, section 3.3). Writes a
        checkpoint with the authors' keys for LoadGenerator and LayoutDiffusion.

        First the node cuts `crops` tiles out of the pictures at random, as TrainTokenizer does, from each class in turn, and
        makes a layout of each as InitTokens does. Then each step takes `pictures` of these layouts and as much noise, and teaches
        the network the way from the noise to the layouts (flow matching). The checkpoint holds the moving average of the weights.
        Its metadata holds the names of the classes, and the means and deviations with which the node normalised the layouts.

        Beside `NAME.safetensors` the node writes the files that TrainTokenizer writes, and `NAME.samples.safetensors` with the
        layouts. A training that stopped for any reason continues with the same result as without the stop. To continue a finished
        training, set a larger number of steps."""
    class _TrainTexture(Node):
        path: Output
        loss: Output
    def TrainTexture(self, *, data: str | PathLike | Node | Output, tokenizer: Node | Output, output: str | PathLike | Node | Output = 'texture-generator.safetensors', tokens: int | Node | Output = 128, crops: int | Node | Output = 2000, depth: int | Node | Output = 4, width: int | Node | Output = 192, heads: int | Node | Output = 6, steps: int | Node | Output = 20000, pictures: int | Node | Output = 32, class_dropout: float | Node | Output = 0.1, seed: int | Node | Output = 0, learning_rate: float | Node | Output = 0.001, warm_up: int | Node | Output = 200, weight_decay: float | Node | Output = 0.0, clip: float | Node | Output = 1.0, average: float | Node | Output = 0.999, save_minutes: float | Node | Output = 5.0, kept: Literal['f32', 'f16'] | Node | Output = 'f32', keep: int | Node | Output = 0, device: str | Node | Output = None, stages: int | Node | Output = 2, id: Optional[str] = None) -> _TrainTexture:
        """Trains a generator of textures on a folder that holds a folder of pictures for each class (paper, section 3.3). Writes a
        checkpoint with the authors' keys for LoadGenerator and TextureDiffusion, or with `stages` 1 for TokenDiffusion.

        First the node cuts `crops` tiles out of the pictures at random, as TrainTokenizer does, from each class in turn, and
        makes tokens of each with InitTokens, Encode and RefineTokens. Then each step takes `pictures` of these and as much noise,
        and teaches the network the way from the noise to the textures and to the moves of the gaussians, given the layout and the
        class (flow matching). In one stage there is no layout: the network learns the way from the noise to the gaussians and
        textures. The checkpoint holds the moving average of the weights. Its metadata holds the names of the
        classes, the means and deviations with which the node normalised the tokens, and the name, map and support of the
        tokenizer.

        Beside `NAME.safetensors` the node writes the files that TrainTokenizer writes, and `NAME.samples.safetensors` with the
        tokens. A training that stopped for any reason continues with the same result as without the stop. To continue a finished
        training, set a larger number of steps."""
gpstoken: _gpstoken

class _std:
    class _LoadImage(Node):
        image: Output
        mask: Output
    def LoadImage(self, *, path: str | PathLike | Node | Output, profile: Literal['convert', 'ignore'] | Node | Output = 'convert', id: Optional[str] = None) -> _LoadImage:
        """Reads a picture.

        The file can be PNG, JPEG, WebP, GIF, BMP, TIFF, PNM, TGA, QOI, ICO or HDR, which the node recognises by the content. The node
        turns the picture upright as its EXIF data say. A byte v becomes v/255, 16 bits become v/65535, and floats do not change. Grey
        becomes three equal channels. The node reads the first picture of an animation or of several pages. It converts colours with a
        profile to sRGB.

        Reading takes at most 1 GB of memory beyond twice the size of the file. That is enough for 65 megapixels of 8 bits without
        alpha, and for more from large files. `--max-pixels` sets another limit.

        A path that continues behind a .tar file names a member of it: `val-0003.tar/n01440764/1.jpg`. The node reads it without
        unpacking the file."""
    class _SaveImage(Node):
        path: Output
        paths: Output
    def SaveImage(self, *, image: Node | Output, path: str | PathLike | Node | Output, rounding: Literal['round', 'truncate'] | Node | Output = 'round', quality: int | Node | Output = 95, id: Optional[str] = None) -> _SaveImage:
        """Writes pictures to files with 8 bits a channel.

        The extension decides about the format: png, jpg, webp (lossless), bmp, tiff, tga, qoi or ppm. Values outside 0..1 are cut off.
        The node creates missing folders. A file is complete when it appears under its name."""
    class _PreviewImage(Node):
        image: Output
    def PreviewImage(self, *, image: Node | Output, id: Optional[str] = None) -> _PreviewImage:
        """Shows pictures while a graph is edited, and writes no file.

        `splatgraph serve` shows what an output node gives. Use SaveImage to keep a picture."""
    class _Resize(Node):
        image: Output
    def Resize(self, *, image: Node | Output, width: int | Node | Output, height: int | Node | Output, fit: Literal['fill', 'fit', 'stretch'] | Node | Output = 'fill', filter: Literal['lanczos', 'bilinear', 'nearest'] | Node | Output = 'lanczos', id: Optional[str] = None) -> _Resize:
        """Changes the size of pictures.

        Shrinking is antialiased, except for `nearest`. Pictures of the new size do not change."""
    class _Crop(Node):
        image: Output
    def Crop(self, *, image: Node | Output, width: int | Node | Output, height: int | Node | Output, x: int | Node | Output = 0, y: int | Node | Output = 0, id: Optional[str] = None) -> _Crop:
        """Cuts a rectangle out of pictures."""
    class _Batch(Node):
        image: Output
    def Batch(self, *, images: list[Node | Output], id: Optional[str] = None) -> _Batch:
        """Joins pictures of one size to one batch."""
    class _Grid(Node):
        image: Output
    def Grid(self, *, images: list[Node | Output], columns: int | Node | Output = 0, gap: int | Node | Output = 8, background: float | Node | Output = 1.0, id: Optional[str] = None) -> _Grid:
        """Arranges pictures side by side on one canvas.

        The pictures fill the canvas row by row. Each stands in the middle of a cell of the size of the largest picture."""
    class _Compare(Node):
        psnr: Output
        ssim: Output
        each: Output
        picture: Output
        squared_error: Output
        psnr_of_mean_error: Output
        about: Output
    def Compare(self, *, a: Node | Output, b: Node | Output, error_gain: float | Node | Output = 4.0, mask: Node | Output = None, convention: Literal['gaussian', 'skimage', 'skimage-gaussian', 'llamagen', 'luma'] | Node | Output = 'gaussian', border: int | Node | Output = 0, id: Optional[str] = None) -> _Compare:
        """Measures how alike two pictures are.

        The node first rounds both pictures to 8 bits, as saving does. PSNR is over all three channels, in dB. It is at most 100, also for
        equal pictures, whose PSNR is infinite. SSIM has a Gaussian window of 11 x 11 with sigma 1.5, K1 = 0.01 and K2 = 0.03. It is the
        mean over the channels and over all windows inside the picture. For a batch, both are means over the pictures. With a mask, both
        are weighted means: PSNR over pixels, SSIM over windows, with the weight of the pixel in the middle of the window. The convention
        chooses another program's way."""
    class _View(Node):
        image: Output
    def View(self, *, value: Any | Node | Output, field: str | Node | Output = '', channel: int | Node | Output = -1, colours: Literal['viridis', 'grey'] | Node | Output = 'viridis', id: Optional[str] = None) -> _View:
        """Shows a field of any record as a picture.

        Fields with 4 axes are [B, C, H, W], fields with 3 axes [B, H, W]; only IMAGE is [B, H, W, C]. The colours of each channel reach
        from its smallest to its largest value. Values that are not finite are magenta. An IMAGE with channel -1 does not change."""
    class _RectangleMask(Node):
        mask: Output
    def RectangleMask(self, *, width: float | Node | Output, height: float | Node | Output, image: Node | Output = None, x: float | Node | Output = 0.0, y: float | Node | Output = 0.0, feather: float | Node | Output = 0.0, canvas_width: int | Node | Output = 0, canvas_height: int | Node | Output = 0, id: Optional[str] = None) -> _RectangleMask:
        """Draws a rectangle as a mask: 1 inside, 0 outside.

        Numbers are in pixels from the upper left corner. Fractions of pixels have an effect only with a feather. EllipseMask and
        StrokesMask draw other shapes, and LoadImage makes a mask of the alpha of a picture."""
    class _EllipseMask(Node):
        mask: Output
    def EllipseMask(self, *, x: float | Node | Output, y: float | Node | Output, radius_x: float | Node | Output, radius_y: float | Node | Output, image: Node | Output = None, angle: float | Node | Output = 0.0, feather: float | Node | Output = 0.0, canvas_width: int | Node | Output = 0, canvas_height: int | Node | Output = 0, id: Optional[str] = None) -> _EllipseMask:
        """Draws an ellipse as a mask: 1 inside, 0 outside.

        Numbers are in pixels from the upper left corner."""
    class _StrokesMask(Node):
        mask: Output
    def StrokesMask(self, *, strokes: Any | Node | Output, image: Node | Output = None, feather: float | Node | Output = 0.0, canvas_width: int | Node | Output = 0, canvas_height: int | Node | Output = 0, id: Optional[str] = None) -> _StrokesMask:
        """Draws brush strokes as a mask: 1 under the brush, 0 elsewhere.

        Write strokes as `{"__value__": [{"points": [[40, 60], [90, 80]], "radius": 12}]}`, in pixels from the upper left corner. Strokes
        have round ends and may leave the picture."""
    class _ErrorMask(Node):
        mask: Output
        error: Output
    def ErrorMask(self, *, a: Node | Output, b: Node | Output, radius: float | Node | Output = 8.0, id: Optional[str] = None) -> _ErrorMask:
        """Shows where two pictures differ, as a mask of their blurred squared error. Its largest value is 1.

        The error of a first reconstruction shows where a second one should spend more tokens. Each picture has its own scale. Equal
        pictures give zeros."""
    class _ResizeMask(Node):
        mask: Output
    def ResizeMask(self, *, mask: Node | Output, width: int | Node | Output, height: int | Node | Output, fit: Literal['fill', 'fit', 'stretch'] | Node | Output = 'fill', filter: Literal['lanczos', 'bilinear', 'nearest'] | Node | Output = 'lanczos', id: Optional[str] = None) -> _ResizeMask:
        """Changes the size of masks like Resize, so that a mask still fits its picture.

        Use the numbers and choices of the Resize of the picture. Masks of the new size do not change."""
    class _LoadRecord(Node):
        value: Output
    def LoadRecord(self, *, path: str | PathLike | Node | Output, id: Optional[str] = None) -> _LoadRecord:
        """Reads a record, such as tokens, from a .safetensors file.

        The file names the type of the record; without a name, its fields decide. The node that takes the record checks the type."""
    class _SaveRecord(Node):
        path: Output
    def SaveRecord(self, *, value: Any | Node | Output, path: str | PathLike | Node | Output, dtype: Literal['f32', 'f16'] | Node | Output = 'f32', id: Optional[str] = None) -> _SaveRecord:
        """Writes a record, such as tokens, to a .safetensors file.

        The node writes any record with its type and header. LoadRecord reads the file, and so does safetensors in Python. A batch is
        one file. The node creates missing folders. The file is complete when it appears under its name."""
    class _If(Node):
        value: Output
    def If(self, *, condition: bool | Node | Output, then: Any | Node | Output, otherwise: Any | Node | Output, id: Optional[str] = None) -> _If:
        """Gives one of two values. Only what feeds the chosen one runs."""
    class _Switch(Node):
        value: Output
    def Switch(self, *, index: int | Node | Output, values: list[Any] | list[Node | Output], id: Optional[str] = None) -> _Switch:
        """Gives one value of a list. With several links, only what feeds the chosen one runs."""
    class _Int(Node):
        value: Output
    def Int(self, *, value: int | Node | Output, id: Optional[str] = None) -> _Int:
        """A whole number."""
    class _Float(Node):
        value: Output
    def Float(self, *, value: float | Node | Output, id: Optional[str] = None) -> _Float:
        """A number."""
    class _Text(Node):
        value: Output
    def Text(self, *, value: str | Node | Output, id: Optional[str] = None) -> _Text:
        """A text."""
    class _Boolean(Node):
        value: Output
    def Boolean(self, *, value: bool | Node | Output, id: Optional[str] = None) -> _Boolean:
        """True or false."""
    class _Json(Node):
        value: Output
    def Json(self, *, value: Any | Node | Output, id: Optional[str] = None) -> _Json:
        """Any JSON value."""
    class _Calculate(Node):
        value: Output
    def Calculate(self, *, expression: str | Node | Output, a: int | float | Node | Output = None, b: int | float | Node | Output = None, c: int | float | Node | Output = None, d: int | float | Node | Output = None, id: Optional[str] = None) -> _Calculate:
        """Calculates a number from other numbers.

        The expression names the inputs: `a * 2 + b`, `max(a, b) / 255`, `round(a * 0.1)`. It has + - * / ^, `//` (division, rounded
        down), `%` (its rest), brackets, `pi`, and the functions abs, ceil, cos, exp, floor, log (natural), max, min, round, sin and sqrt.
        A half is rounded away from 0. Angles are in radians.

        A result of whole numbers is whole if it is exact: 6 / 2 is 3, and 7 / 2 is 3.5. ceil, floor and round give whole numbers. A result
        that is no finite number is an error."""
    class _Condition(Node):
        value: Output
    def Condition(self, *, expression: str | Node | Output, a: int | float | bool | str | Node | Output = None, b: int | float | bool | str | Node | Output = None, c: int | float | bool | str | Node | Output = None, d: int | float | bool | str | Node | Output = None, id: Optional[str] = None) -> _Condition:
        """Tells whether a condition holds.

        The expression names the inputs: `a > 30`, `a == "small" and not b`, `a + b <= c or d`. It has == != < <= > >=, `and`, `or`, `not`,
        texts in quotes, `true` and `false`, and all that std.Calculate has. `and` and `or` leave out their right side if the left side
        decides: `b != 0 and a / b > 1` never divides by 0.

        Texts are compared character by character, by their numbers in Unicode. Values of different kinds can't be compared."""
    class _Format(Node):
        text: Output
    def Format(self, *, template: str | Node | Output, a: Any | Node | Output = None, b: Any | Node | Output = None, c: Any | Node | Output = None, d: Any | Node | Output = None, id: Optional[str] = None) -> _Format:
        """Writes values into a text.

        `{a}` stands for the value of the input `a`: "{a} dB of {b:.2}". Behind a colon come a width and a number of decimals: `{a:.2}` has
        2 decimals, `{a:6}` fills up with spaces to 6 characters, and `{a:04}` with zeros to 4. Numbers stand at the right of their width,
        texts at the left. Write `{{` and `}}` for braces.

        A number without decimals has as many digits as it needs. JSON and lists are written as JSON."""
    class _JoinText(Node):
        text: Output
    def JoinText(self, *, texts: list[str] | list[Node | Output], separator: str | Node | Output = ', ', id: Optional[str] = None) -> _JoinText:
        """Joins texts to one."""
    class _Field(Node):
        value: Output
    def Field(self, *, value: Any | Node | Output, field: str | Node | Output, id: Optional[str] = None) -> _Field:
        """Takes a value out of JSON.

        A name such as `psnr` takes the field of an object. A path that begins with a slash goes deeper: `/each/0/psnr` takes the field
        `psnr` of the first item of the array `each`. In such a path, `~1` stands for a slash in a name and `~0` for `~`, as in a JSON
        pointer.

        An array becomes a list."""
    class _List(Node):
        list: Output
    def List(self, *, values: list[Any] | list[Node | Output], id: Optional[str] = None) -> _List:
        """Makes a list of values, and of all values of lists."""
    class _Range(Node):
        list: Output
    def Range(self, *, stop: int | float | Node | Output, start: int | float | Node | Output = 0, step: int | float | Node | Output = None, count: int | Node | Output = None, id: Optional[str] = None) -> _Range:
        """Makes a list of numbers.

        Like a range of `batch`, it has its end: from 0 to 9 are 10 numbers. With a step, the last number is the last one that does not pass
        the end. With a count, so many numbers have equal distances from start to stop. A number is whole if start and stop are whole and it
        is exact. If stop is less than start, the step has to be negative."""
    class _Item(Node):
        value: Output
    def Item(self, *, list: list[Any] | list[Node | Output], index: int | Node | Output = 0, id: Optional[str] = None) -> _Item:
        """Takes one value of a list."""
    class _Length(Node):
        length: Output
    def Length(self, *, list: list[Any] | list[Node | Output], id: Optional[str] = None) -> _Length:
        """Counts the values of a list.

        A batch of pictures is one value."""
    class _Slice(Node):
        list: Output
    def Slice(self, *, list: list[Any] | list[Node | Output], start: int | Node | Output = 0, stop: int | Node | Output = None, id: Optional[str] = None) -> _Slice:
        """Takes a part of a list.

        Positions beyond the list mean its end, so the part may be shorter or empty."""
    class _Sort(Node):
        list: Output
    def Sort(self, *, list: list[int | float | bool | str] | list[Node | Output], descending: bool | Node | Output = False, id: Optional[str] = None) -> _Sort:
        """Sorts a list of numbers or of texts.

        Texts are sorted character by character, by their numbers in Unicode: B before a, and 10 before 9. Equal values keep their order."""
    class _Reverse(Node):
        list: Output
    def Reverse(self, *, list: list[Any] | list[Node | Output], id: Optional[str] = None) -> _Reverse:
        """Turns the order of a list around."""
    class _ListFiles(Node):
        paths: Output
        names: Output
        count: Output
    def ListFiles(self, *, folder: str | PathLike | Node | Output, pattern: str | Node | Output = '', recursive: bool | Node | Output = False, limit: int | Node | Output = 0, id: Optional[str] = None) -> _ListFiles:
        """Lists the files of a folder.

        The files are in the order in which `batch` has them: by their paths with slashes, character by character, so that 10.png comes
        before 9.png. Hidden files are left out, unless the pattern begins with a dot. The node follows links to files, but not links to
        folders. A folder without such files gives empty lists."""
    class _Label(Node):
        image: Output
    def Label(self, *, image: Node | Output, text: str | Node | Output = None, texts: list[str] | list[Node | Output] = None, position: Literal['below', 'above', 'top_left', 'top_right', 'bottom_left', 'bottom_right'] | Node | Output = 'below', size: int | Node | Output = 20, colour: str | Node | Output = '#000000', background: str | Node | Output = '#ffffff', font: str | PathLike | Node | Output = None, id: Optional[str] = None) -> _Label:
        """Writes a text under, over or onto a picture.

        A strip makes the picture higher. All pictures of a batch get strips of one height, for the text with the most lines. On the
        picture, the text stands on a box of the background's colour; an empty text has none.

        A line that is too long for the picture is cut off and ends with an ellipsis (…); the size stays. A line break in the text begins a
        new line.

        The font in the pack, DejaVu Sans, has Latin, Greek, Cyrillic, Armenian and Georgian letters and mathematical signs. For other
        scripts give a font file. Characters stand side by side from left to right, in the order of the text. So Hebrew, Arabic and Indic
        scripts do not look right."""
std: _std
