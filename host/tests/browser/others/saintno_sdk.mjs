// Runs a prompt with @saintno/comfyui-sdk: saintno_sdk.mjs ADDRESS PROMPT
import { readFileSync } from 'node:fs'
import { CallWrapper, ComfyApi, PromptBuilder } from '@saintno/comfyui-sdk'

const [address, file] = process.argv.slice(2)
const fail = (text) => { console.error(text); process.exit(1) }
const api = await new ComfyApi(address).init().waitForReady()
const prompt = new PromptBuilder(JSON.parse(readFileSync(file, 'utf8')), ['width'], ['images'])
  .setInputNode('width', '2.inputs.width')
  .setOutputNode('images', '3')
const output = await new CallWrapper(api, prompt).onFailed((error) => fail(`expected success, got ${error}`)).run()
if (!output || output.images?.images?.length !== 1) fail(`expected one picture, got ${JSON.stringify(output)}`)
const picture = await fetch(api.getPathImage(output.images.images[0]))
console.log(`a picture of ${(await picture.arrayBuffer()).byteLength} bytes, ${picture.headers.get('content-type')}`)
process.exit(picture.ok ? 0 : 1)
