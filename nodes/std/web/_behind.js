// The picture behind the drawing of a mask.

/** Shows the picture for which a mask is. The surface takes its size, or that of the node's canvas if there is no picture. */
export async function showBehind({ host, surface }) {
  const [width, height] = [host.read("canvas_width"), host.read("canvas_height")];
  surface.size = width > 0 && height > 0 ? [width, height] : [256, 256];
  const image = await surface.show(await host.picture("image"));
  if (image) surface.size = [image.width, image.height];
  surface.redraw();
}
