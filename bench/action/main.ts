/** The action's cold start beside that of an empty script: what a step waits for before it asks anything. */
import { spawnSync } from 'node:child_process'
import { statSync } from 'node:fs'
import { join } from 'node:path'

const dist = join(import.meta.dirname, '../../packages/action/dist')
const rounds = 15

export async function benchAction() {
  const [empty, action] = [[] as number[], [] as number[]]
  for (let i = 0; i < rounds; i++) {
    empty.push(milliseconds(['-e', '']))
    // Without inputs it reads, checks and says what is missing: all but the requests.
    action.push(milliseconds([join(dist, 'main.js')]))
  }
  const figures = {
    node_ms: median(empty),
    action_ms: median(action),
    action_above_node_ms: median(action) - median(empty),
    main_bytes: statSync(join(dist, 'main.js')).size,
    post_bytes: statSync(join(dist, 'post.js')).size,
  }
  const lines = [
    `an empty script ${figures.node_ms.toFixed(0)} ms, the action ${figures.action_ms.toFixed(0)} ms (median of ${rounds})`,
    `main.js ${figures.main_bytes} bytes, post.js ${figures.post_bytes} bytes`,
  ]
  return { figures, lines }
}

function milliseconds(words: readonly string[]): number {
  const begun = performance.now()
  spawnSync(process.execPath, words, { env: { PATH: process.env['PATH'] }, stdio: 'ignore' })
  return performance.now() - begun
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
}
