// Runs a prompt with @stable-canvas/comfyui-client: stable_canvas_client.mjs ADDRESS PROMPT
import { readFileSync } from 'node:fs'
import { Client } from '@stable-canvas/comfyui-client'
import WebSocket from 'ws'

const [address, file] = process.argv.slice(2)
const client = new Client({ api_host: address.replace('http://', ''), WebSocket, fetch })
await Promise.all([client.getSystemStats(), client.connect()])
const output = await client.enqueue(JSON.parse(readFileSync(file, 'utf8')))
if (output.images.length !== 1) {
  console.error(`expected one picture, got ${JSON.stringify(output).slice(0, 500)}`)
  process.exit(1)
}
console.log(`${output.images.length} picture: ${JSON.stringify(output.images[0]).slice(0, 120)}`)
process.exit(0)
