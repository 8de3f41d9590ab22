// Workflows from easy to hard. Each entry builds one in the page of the official front end; making.js has to be there.
(() => {
  const { graph, node, set, link, subgraphOf, promote, inside, grow, loaded, save, tokenized, decoded } = window.making

  const workflows = {
    'load-save'() {
      save(node('std.LoadImage', { path: 'chelsea.png' }), 'image', 'copy.png')
    },
    'values'() {
      const { resize } = loaded('astronaut.png')
      set(resize, 'width', 320)
      set(resize, 'fit', 'stretch')
      set(resize, 'filter', 'nearest')
      set(save(resize, 'image', 'values.jpg'), 'quality', 80)
    },
    'fan-out'() {
      const { load, resize } = loaded()
      const crop = node('std.Crop', { x: 10, y: 20, width: 100, height: 90 })
      link(load, 'image', crop, 'image')
      const compare = node('std.Compare', { error_gain: 2.5 })
      link(resize, 'image', compare, 'a')
      link(resize, 'image', compare, 'b')
      save(crop, 'image', 'crop.png')
      save(compare, 'picture', 'compare.png')
    },
    'reconstruct'() {
      const { resize } = loaded()
      const { tokenizer, refine } = tokenized(resize, 'image', 96)
      const { decode } = decoded(refine, 'tokens', tokenizer)
      save(decode, 'image', 'reconstructed.png')
      const draw = node('gpstoken.DrawTokens', { ids: true, colour: 'energy' })
      link(refine, 'tokens', draw, 'tokens')
      link(resize, 'image', draw, 'image')
      save(draw, 'image', 'drawn.png')
    },
    'number-nodes'() {
      const { load, resize } = loaded()
      const width = node('std.Int', { value: 128 })
      link(width, 'value', resize, 'width')
      link(width, 'value', resize, 'height')
      const mask = node('std.EllipseMask', { x: 64, y: 60, radius_x: 30.5, radius_y: 20, feather: 0.25 })
      link(resize, 'image', mask, 'image')
      const angle = node('std.Float', { value: 12.5 })
      link(angle, 'value', mask, 'angle')
      const view = node('std.View')
      link(mask, 'mask', view, 'value')
      save(view, 'image', 'mask.png')
      return load
    },
    'primitive'() {
      const { resize } = loaded()
      const primitive = node('PrimitiveNode')
      primitive.connect(0, resize, resize.inputs.findIndex((i) => i.name === 'width'))
      primitive.connect(0, resize, resize.inputs.findIndex((i) => i.name === 'height'))
      set(primitive, primitive.widgets[0].name, 200)
      save(resize, 'image', 'primitive.png')
    },
    'seed'() {
      const generator = node('gpstoken.LoadGenerator', { model: 'small-layout' })
      const layout = node('gpstoken.LayoutDiffusion', { seed: 9007199254740991, class: '3', steps: 8 })
      link(generator, 'generator', layout, 'generator')
      set(layout, 'control_after_generate', 'increment')
      const draw = node('gpstoken.DrawTokens')
      link(layout, 'layout', draw, 'tokens')
      save(draw, 'image', 'layout-{seed}.png')
    },
    'json'() {
      const boxes = node('gpstoken.BoxLayout', { boxes: '[[0, 0, 256, 256], [64, 48, 192, 240]]', tokens: 64 })
      const calibrate = node('gpstoken.CalibrateLayout')
      link(boxes, 'layout', calibrate, 'layout')
      const draw = node('gpstoken.DrawTokens')
      link(calibrate, 'layout', draw, 'tokens')
      save(draw, 'image', 'boxes.png')
      const { resize } = loaded()
      const { refine } = tokenized(resize, 'image', 64)
      const region = node('std.Json', { value: '[40, 55, 125, 130]' })
      const select = node('gpstoken.SelectTokens', { indices: '' })
      link(refine, 'tokens', select, 'tokens')
      link(region, 'value', select, 'region')
      const picked = node('gpstoken.DrawTokens')
      link(refine, 'tokens', picked, 'tokens')
      link(select, 'selection', picked, 'selection')
      save(picked, 'image', 'picked.png')
    },
    'list'() {
      const { load, resize } = loaded()
      const crop = node('std.Crop', { width: 256, height: 256 })
      link(load, 'image', crop, 'image')
      const grid = node('std.Grid', { columns: 3, gap: 4 })
      grow(resize, 'image', grid)
      grow(crop, 'image', grid)
      grow(resize, 'image', grid)
      save(grid, 'image', 'grid.png')
    },
    'muted'() {
      const { resize } = loaded()
      const muted = save(resize, 'image', 'muted.png')
      muted.mode = 2
      const crop = node('std.Crop', { width: 64, height: 64 })
      link(resize, 'image', crop, 'image')
      const mask = node('std.RectangleMask', { width: 100, height: 50 })
      link(resize, 'image', mask, 'image')
      mask.mode = 2
      const { tokenizer, encode, init, refine } = tokenized(resize, 'image', 64)
      link(mask, 'mask', init, 'weight_map')
      save(decoded(refine, 'tokens', tokenizer).decode, 'image', 'unweighted.png')
      save(crop, 'image', 'crop.png')
      return encode
    },
    'bypassed'() {
      const { load } = loaded()
      const resize = graph()._nodes.find((n) => n.type === 'std.Resize')
      resize.mode = 4
      const crop = node('std.Crop', { width: 64, height: 64 })
      link(resize, 'image', crop, 'image')
      const { tokenizer, refine } = tokenized(crop, 'image', 64)
      const move = node('gpstoken.TransformTokens', { move_x: 10 })
      link(refine, 'tokens', move, 'tokens')
      move.mode = 4
      const scale = node('gpstoken.TransformTokens', { scale_x: 1.5 })
      link(move, 'tokens', scale, 'tokens')
      save(decoded(scale, 'tokens', tokenizer).decode, 'image', 'bypassed.png')
      return load
    },
    'reroute'() {
      const { load, resize } = loaded()
      const reroute = node('Reroute')
      link(resize, 'image', reroute, 0)
      const second = node('Reroute')
      link(reroute, 0, second, 0)
      save(second, 0, 'rerouted.png')
      node('Note', {})
      node('MarkdownNote', {})
      // A point on a link, which newer workflows have instead of a node.
      const saved = save(load, 'image', 'point.png')
      const line = saved.inputs[0].link
      graph().createReroute([300, 300], graph().getLink(line))
    },
    'text-and-numbers'() {
      const { resize } = loaded()
      const move = node('std.EllipseMask', { x: 0.1 + 0.2, y: -3, radius_x: 1e-7, radius_y: 123456.789, angle: -0.5 })
      link(resize, 'image', move, 'image')
      const view = node('std.View', { field: 'mask "ünï" \\ 猫\nline', channel: -1, colours: 'grey' })
      link(move, 'mask', view, 'value')
      save(view, 'image', 'numbers.png')
      const layout = node('gpstoken.LayoutDiffusion', { class: 'mosaic' })
      link(node('gpstoken.LoadGenerator', { model: 'small-layout' }), 'generator', layout, 'generator')
      link(node('std.Int', { value: 2 }), 'value', layout, 'class')
      const textures = node('gpstoken.TextureDiffusion', { class: '7' })
      link(node('gpstoken.LoadGenerator', { model: 'small-texture' }), 'generator', textures, 'generator')
      link(layout, 'layout', textures, 'layout')
      link(node('std.Text', { value: '2' }), 'value', textures, 'class')
      const tokenizer = node('gpstoken.LoadTokenizer')
      save(decoded(textures, 'tokens', tokenizer).decode, 'image', '')
    },
    'list-with-a-gap'() {
      const { load, resize } = loaded()
      const grid = node('std.Grid', { columns: 2 })
      const crop = node('std.Crop', { width: 256, height: 256 })
      link(load, 'image', crop, 'image')
      grow(resize, 'image', grid)
      grow(crop, 'image', grid)
      grow(resize, 'image', grid)
      grid.disconnectInput(grid.inputs.findIndex((i) => i.link != null))
      save(grid, 'image', 'gap.png')
      crop.mode = 2
    },
    'bypass-without-a-way'() {
      const { resize } = loaded()
      const { tokenizer, refine } = tokenized(resize, 'image', 64)
      const draw = node('gpstoken.DrawTokens')
      link(refine, 'tokens', draw, 'tokens')
      link(resize, 'image', draw, 'image')
      // Bypassed: its picture is its input's. The next has no input of its output's type.
      draw.mode = 4
      save(draw, 'image', 'straight.png')
      const view = node('std.View')
      link(refine, 'tokens', view, 'value')
      view.mode = 4
      const compare = node('std.Compare')
      link(view, 'image', compare, 'a')
      link(resize, 'image', compare, 'b')
      save(compare, 'picture', 'compared.png')
      return tokenizer
    },
    'titles-groups'() {
      const { load, resize } = loaded()
      load.title = 'Photo · image'
      load.color = '#322'
      resize.flags.collapsed = true
      const group = new LGraphGroup('Input')
      group.pos = [20, 20]
      group.size = [900, 500]
      graph().add(group)
      save(resize, 'image', '{stem}-{std.Resize.width}.png').title = 'Ünïcode “title” 猫'
    },
    'optional-links'() {
      const { resize } = loaded()
      const name = node('std.Text', { value: 'linked-{stem}.png' })
      const saved = save(resize, 'image', 'unused.png')
      link(name, 'value', saved, 'path')
      const flag = node('std.Boolean', { value: true })
      const { tokenizer, refine } = tokenized(resize, 'image', 64)
      const select = node('gpstoken.SelectTokens', { region: '[0,0,100,100]' })
      link(refine, 'tokens', select, 'tokens')
      const remove = node('gpstoken.DeleteTokens', { if_empty: 'keep' })
      link(refine, 'tokens', remove, 'tokens')
      link(select, 'selection', remove, 'selection')
      link(flag, 'value', remove, 'fill')
      save(decoded(remove, 'tokens', tokenizer).decode, 'image', 'deleted.png')
    },
    'subgraph'() {
      const { resize } = loaded()
      const { tokenizer, encode, init, refine } = tokenized(resize, 'image', 80)
      const { splat, decode } = decoded(refine, 'tokens', tokenizer)
      save(decode, 'image', 'subgraph.png')
      subgraphOf(tokenizer, encode, init, refine, splat, decode)
    },
    'subgraph-widgets'() {
      const { load, resize } = loaded()
      const crop = node('std.Crop', { width: 100, height: 80 })
      link(resize, 'image', crop, 'image')
      const size = node('std.Int', { value: 222 })
      link(size, 'value', resize, 'width')
      const saved = save(crop, 'image', 'inside.png')
      const sub = subgraphOf(resize, crop, saved)
      sub.title = 'Cut'
      promote(sub, inside(sub, 'std.Crop'), 'width')
      promote(sub, inside(sub, 'std.Crop'), 'x', 'from the left')
      promote(sub, inside(sub, 'std.SaveImage'), 'path')
      set(sub, 'path', 'outside.png')
      sub.widgets.find((w) => w.name === 'from the left').value = 12
      return load
    },
    'promoted-twice'() {
      const { resize } = loaded()
      const shrink = node('std.Resize', { width: 64, height: 64 })
      link(resize, 'image', shrink, 'image')
      save(shrink, 'image', 'promoted.png')
      const inner = subgraphOf(shrink)
      promote(inner, inside(inner, 'std.Resize'), 'width', 'size')
      promote(inner, inside(inner, 'std.Resize'), 'filter')
      inner.subgraph.inputs.find((i) => i.name === 'size').connect(inside(inner, 'std.Resize').inputs.find((i) => i.name === 'height'), inside(inner, 'std.Resize'))
      set(inner, 'size', 48)
      const outer = subgraphOf(inner)
      promote(outer, outer.subgraph._nodes[0], 'size', 'edge')
      set(outer, 'edge', 40)
      const copy = LiteGraph.createNode(outer.type)
      graph().add(copy)
      link(resize, 'image', copy, 0)
      set(copy, 'edge', 99)
      save(copy, 0, 'promoted-copy.png')
    },
    'inside-muted'() {
      const { resize } = loaded()
      const first = node('std.Resize', { width: 64, height: 64 })
      link(resize, 'image', first, 'image')
      const second = node('std.Crop', { width: 32, height: 32 })
      link(first, 'image', second, 'image')
      const kept = save(second, 'image', 'kept.png')
      const dropped = save(first, 'image', 'dropped.png')
      const reroute = node('Reroute')
      link(second, 'image', reroute, 0)
      save(reroute, 0, 'behind.png')
      first.mode = 4
      dropped.mode = 2
      subgraphOf(first, second, kept, dropped, reroute)
    },
    'nested-subgraph'() {
      const { resize } = loaded()
      const { tokenizer, encode, init, refine } = tokenized(resize, 'image', 72)
      const { splat, decode } = decoded(refine, 'tokens', tokenizer)
      save(decode, 'image', 'nested.png')
      const inner = subgraphOf(splat, decode)
      subgraphOf(tokenizer, encode, init, refine, inner)
    },
    'bypassed-subgraph'() {
      const { resize } = loaded()
      const first = node('std.Resize', { width: 64, height: 64 })
      link(resize, 'image', first, 'image')
      const second = node('std.Resize', { width: 32, height: 32 })
      link(first, 'image', second, 'image')
      save(second, 'image', 'bypassed-subgraph.png')
      const sub = subgraphOf(first, second)
      sub.mode = 4
    },
    'twice-a-subgraph'() {
      const { resize } = loaded()
      const shrink = node('std.Resize', { width: 64, height: 64 })
      link(resize, 'image', shrink, 'image')
      save(shrink, 'image', 'once.png')
      const sub = subgraphOf(shrink)
      const copy = LiteGraph.createNode(sub.type)
      graph().add(copy)
      link(sub, 0, copy, 0)
      save(copy, 0, 'twice.png')
      // Inside, a node is muted, bypassed or plain as outside.
      const other = save(resize, 'image', 'muted-subgraph.png')
      const muted = subgraphOf(other)
      muted.mode = 2
    },
    'everything'() {
      const { load, resize } = loaded()
      const primitive = node('PrimitiveNode')
      const { tokenizer, encode, init, refine } = tokenized(resize, 'image', 128)
      primitive.connect(0, init, init.inputs.findIndex((i) => i.name === 'tokens'))
      set(primitive, primitive.widgets[0].name, 150)
      const mask = node('std.StrokesMask', { strokes: '[{"points": [[10, 10], [90, 120]], "radius": 6}]' })
      link(resize, 'image', mask, 'image')
      link(mask, 'mask', init, 'weight_map')
      const edit = node('gpstoken.EditTokens', { edits: '[{"edit": "transform", "select": {"indices": [1, 2]}, "move_x": 4}]' })
      link(refine, 'tokens', edit, 'tokens')
      const skipped = node('gpstoken.TransformTokens', { rotate: 30 })
      link(edit, 'tokens', skipped, 'tokens')
      skipped.mode = 4
      const reroute = node('Reroute')
      link(skipped, 'tokens', reroute, 0)
      const { splat, decode } = decoded(reroute, 0, tokenizer)
      const batch = node('std.Batch')
      grow(resize, 'image', batch)
      grow(decode, 'image', batch)
      const grid = node('std.Grid', { columns: 2, background: 0 })
      grow(batch, 'image', grid)
      save(grid, 'image', '{stem}-everything.png')
      const inner = subgraphOf(splat, decode)
      const outer = subgraphOf(encode, refine, edit, skipped, reroute, inner)
      outer.title = 'Edit'
      node('Note', {})
      return load
    },
  }

  /** Builds a workflow in an empty graph. Returns what the front end saves, in both versions, and what it sends. */
  async function make(name) {
    graph().clear()
    workflows[name]()
    const workflow = structuredClone(app.rootGraph.serialize())
    const newer = structuredClone(app.rootGraph.asSerialisable())
    const { output } = await app.graphToPrompt()
    return JSON.parse(JSON.stringify({ workflow, newer, prompt: output }))
  }

  window.makeWorkflow = { names: Object.keys(workflows), make }
})()
