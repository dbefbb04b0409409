/** A real browser without a window, driven by its own protocol (Chrome DevTools). */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { WebSocket } from 'ws'
import { atEnd } from './at-end.ts'
import { chromium } from './chromium.ts'

export interface Tab {
  goto(url: string): Promise<void>
  /** The value of an expression in the page. */
  evaluate(expression: string): Promise<unknown>
  /** Until the expression is true in whatever page is there; a minute at most. */
  until(expression: string): Promise<void>
  cookies(): Promise<
    readonly { readonly name: string; readonly secure: boolean; readonly httpOnly: boolean }[]
  >
}

/** Opens the browser with one empty tab; it ends with the test. */
export async function openTab(t: TestContext): Promise<Tab> {
  const folder = mkdtempSync(join(tmpdir(), 'mayfly-chromium-'))
  const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run']
  const more = ['--disable-background-networking', '--remote-debugging-port=0', `--user-data-dir=${folder}`]
  // Debian's program is a script with the browser as its child: a group of their own ends as one.
  const child = spawn(chromium(), [...flags, ...more, 'about:blank'], {
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
  })
  const end = () => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
    } catch {
      // It is gone.
    }
  }
  process.once('exit', end)
  atEnd(t, async () => {
    const gone = once(child, 'exit')
    end()
    await gone
    process.off('exit', end)
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  })
  const socket = new WebSocket(await placeOf(child.stderr))
  await once(socket, 'open')
  atEnd(t, () => socket.close())
  const ask = asking(socket)
  const { targetId } = await ask('Target.createTarget', { url: 'about:blank' })
  const { sessionId } = await ask('Target.attachToTarget', { targetId, flatten: true })
  const tab = (method: string, params: object = {}) => ask(method, params, String(sessionId))
  await tab('Page.enable')
  const evaluate = async (expression: string) => {
    const { result } = await tab('Runtime.evaluate', { expression, returnByValue: true })
    return (result as { readonly value?: unknown }).value
  }
  return {
    evaluate,
    goto: async (url) => void (await tab('Page.navigate', { url })),
    async until(expression) {
      for (const end = Date.now() + 60_000; Date.now() < end; ) {
        if ((await evaluate(expression).catch(() => false)) === true) return
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
      throw new Error(
        `never true: ${expression}: ${String(await evaluate('location.href + document.body?.innerText'))}`,
      )
    },
    cookies: async () => (await tab('Network.getCookies'))['cookies'] as Awaited<ReturnType<Tab['cookies']>>,
  }
}

async function placeOf(output: NodeJS.ReadableStream): Promise<string> {
  let text = ''
  for await (const piece of output) {
    text += String(piece)
    const [, place] = /DevTools listening on (ws:\/\/\S+)/.exec(text) ?? []
    if (place !== undefined) return place
  }
  throw new Error(`the browser did not start: ${text.slice(-500)}`)
}

type Answer = Readonly<Record<string, unknown>>

function asking(socket: WebSocket): (method: string, params: object, session?: string) => Promise<Answer> {
  const waiting = new Map<number, { resolve: (answer: Answer) => void; reject: (error: Error) => void }>()
  let last = 0
  socket.on('message', (data) => {
    const said = JSON.parse(String(data)) as { id?: number; result?: Answer; error?: { message: string } }
    const asked = waiting.get(said.id ?? 0)
    if (asked === undefined) return
    waiting.delete(said.id ?? 0)
    if (said.error === undefined) asked.resolve(said.result ?? {})
    else asked.reject(new Error(said.error.message))
  })
  return (method, params, sessionId) =>
    new Promise((resolve, reject) => {
      const id = ++last
      waiting.set(id, { resolve, reject })
      socket.send(JSON.stringify({ id, method, params, ...(sessionId === undefined ? {} : { sessionId }) }))
    })
}
