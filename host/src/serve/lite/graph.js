// Searches a graph of nodes {id: {class_type, inputs}}, whose links are [id, output] with an output's index or name.

const isLink = (value) => Array.isArray(value) && value.length === 2 && typeof value[0] === "string";

/** The path of a value: its job, node and output. */
export const pathOf = (...names) => `/values/${names.map(encodeURIComponent).join("/")}`;

/** The outputs of a class, by its answer of `/object_info`. */
const outputs = (about) => (about?.output_name ?? []).map((name, i) => ({ name, type: about.output[i] }));

function output(graph, classes, [id, of]) {
  const all = outputs(classes[graph[id]?.class_type]);
  const found = typeof of === "number" ? all[of] : all.find(({ name }) => name === of);
  return found && { node: id, output: found.name };
}

/** The output that feeds an input; null if none does. */
export function feeding(graph, classes, id, input) {
  const link = graph[id]?.inputs?.[input];
  return isLink(link) ? (output(graph, classes, link) ?? null) : null;
}

/** The first picture made from the outputs of a node, or null. */
export function pictureAfter(graph, classes, id) {
  const seen = new Set([id]);
  for (const at of seen) {
    const picture = at !== id && outputs(classes[graph[at]?.class_type]).find(({ type }) => type === "IMAGE");
    if (picture) return { node: at, output: picture.name };
    for (const [next, { inputs }] of Object.entries(graph)) {
      const links = Object.values(inputs ?? {}).flatMap((value) => (isLink(value) ? [value] : Array.isArray(value) ? value.filter(isLink) : []));
      if (links.some(([from]) => from === at)) seen.add(next);
    }
  }
  return null;
}
