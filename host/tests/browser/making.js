// What workflows.js makes workflows of: nodes, values, links and subgraphs in the page of the official front end, through what the page
// offers to any extension, which is `app`, `LiteGraph` and the graph's own methods.
(() => {
  const graph = () => app.rootGraph ?? app.graph

  /** Adds a node with the given values. */
  function node(type, values = {}, within = graph()) {
    const made = LiteGraph.createNode(type)
    if (!made) throw new Error(`expected a node class, got ${type}`)
    const count = within._nodes.length
    made.pos = [60 + (count % 5) * 420, 80 + Math.floor(count / 5) * 420]
    within.add(made)
    for (const [name, value] of Object.entries(values)) set(made, name, value)
    return made
  }

  function widget(of, name) {
    const found = of.widgets?.find((w) => w.name === name)
    if (!found) throw new Error(`expected a widget of ${of.type}, got ${name}; it has ${of.widgets?.map((w) => w.name)}`)
    return found
  }

  function set(of, name, value) {
    const found = widget(of, name)
    found.value = value
    found.callback?.(value)
  }

  /** Links an output to an input, both by name or number. */
  function link(from, output, to, input) {
    const source = typeof output === 'number' ? output : from.outputs.findIndex((o) => o.name === output)
    const target = typeof input === 'number' ? input : to.inputs.findIndex((i) => i.name === input)
    if (source < 0 || target < 0) {
      throw new Error(`expected ${from.type}.${output} and ${to.type}.${input}, got outputs ${from.outputs.map((o) => o.name)} and inputs ${to.inputs.map((i) => i.name)}`)
    }
    const made = from.connect(source, to, target)
    if (!made) throw new Error(`expected a link from ${from.type}.${output} to ${to.type}.${input}, got none`)
    return made
  }

  const subgraphOf = (...nodes) => graph().convertToSubgraph(new Set(nodes)).node

  /** Shows a widget of a node inside a subgraph on the node outside. */
  function promote(sub, inner, name, shown = name) {
    const slot = inner.inputs.find((i) => i.name === name)
    sub.subgraph.addInput(shown, String(slot.type)).connect(slot, inner)
  }
  const inside = (sub, type) => sub.subgraph._nodes.find((n) => n.type === type)

  /** The free place that a list shows behind those that are taken. */
  const grow = (from, output, list) => link(from, output, list, list.inputs.findIndex((i) => i.type === 'IMAGE' && i.link == null))

  /** load > resize, with a save behind `last`. */
  function loaded(picture = 'chelsea.png') {
    const load = node('std.LoadImage', { path: picture })
    const resize = node('std.Resize', { width: 256, height: 256 })
    link(load, 'image', resize, 'image')
    return { load, resize }
  }
  function save(from, output, path) {
    const made = node('std.SaveImage', { path })
    link(from, output, made, 'image')
    return made
  }
  /** resize > tokens, as in reconstruct.json. */
  function tokenized(from, output, tokens) {
    const tokenizer = node('gpstoken.LoadTokenizer')
    const encode = node('gpstoken.Encode')
    const init = node('gpstoken.InitTokens', { tokens })
    const refine = node('gpstoken.RefineTokens')
    link(tokenizer, 'tokenizer', encode, 'tokenizer')
    link(from, output, encode, 'image')
    link(from, output, init, 'image')
    link(tokenizer, 'tokenizer', refine, 'tokenizer')
    link(encode, 'features', refine, 'features')
    link(init, 'layout', refine, 'layout')
    return { tokenizer, encode, init, refine }
  }
  function decoded(tokens, output, tokenizer) {
    const splat = node('gpstoken.Splat')
    const decode = node('gpstoken.Decode')
    link(tokens, output, splat, 'tokens')
    link(tokenizer, 'tokenizer', decode, 'tokenizer')
    link(splat, 'map', decode, 'map')
    return { splat, decode }
  }

  window.making = { graph, node, set, link, subgraphOf, promote, inside, grow, loaded, save, tokenized, decoded }
})()
