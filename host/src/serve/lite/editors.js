// What an editor sees of the page.

import { fieldOf, unwrapped } from "./form.js";
import { feeding, pathOf, pictureAfter } from "./graph.js";
import { ask } from "./page.js";

/** The host of the editor of the node `id`. `edited` is called after a change. */
export function makeHost(graph, id, edited) {
  const path = ({ node, output }) => `/api${pathOf(graph.job.id, node, output)}`;
  const address = (output) => (graph.job && output ? `${path(output)}?as=png` : null);
  const value = async (output, fields = "") =>
    graph.job && output ? ask(`${path(output)}?fields=${fields}`).catch(() => null) : null;
  const literal = (input, sets, named) => {
    const target = `${id}.${input}`;
    if (named !== undefined) return named;
    if (target in sets) return sets[target];
    return unwrapped(graph.nodes[id].inputs[input]);
  };
  const host = {
    read: (input) => literal(input, graph.sets, fieldOf(`${id}.${input}`)?.value()),
    write(values) {
      for (const [input, value] of Object.entries(values)) {
        const target = `${id}.${input}`;
        const field = fieldOf(target);
        if (field) field.set(value);
        else graph.sets[target] = value;
      }
      edited();
    },
    ran(input) {
      const { ran } = graph.job ?? {};
      const field = fieldOf(`${id}.${input}`);
      return ran ? literal(input, ran.sets, field && (ran.inputs[field.name] ?? null)) : null;
    },
    source: (input, fields) => value(feeding(graph.nodes, graph.classes, id, input), fields),
    output: (name, fields) => value({ node: id, output: name }, fields),
    pictureAfter: async () => address((host.after = pictureAfter(graph.nodes, graph.classes, id))),
    picture: async (input) => address(feeding(graph.nodes, graph.classes, id, input)),
  };
  return host;
}
