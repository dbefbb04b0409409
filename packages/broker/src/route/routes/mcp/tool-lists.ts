/**
 * Which arguments the tools of a server want mirrored, as the server tells this caller: its own `tools/list`, asked when a
 * call needs it and kept for a minute.
 */
import type { IncomingHttpHeaders } from 'node:http'
import type { JsonObject } from '../../../base/strict-json.ts'
import type { Admitted } from '../../route.ts'
import { isObject, type Message, metaOf, modern } from './message.ts'
import { disagreement, hasOthers, type Listed, type Mirrors, mirrorsIn } from './mirrored-arguments.ts'
import type { Passage, RunningMcp } from './running.ts'
import { messagesOf, toServer } from './to-server.ts'

const keptMs = 60_000
const askMs = 10_000
const mostPages = 50

/**
 * What of a call's mirrored headers is wrong, in words. No call is refused, and no header goes on unread, by a list that was
 * kept: the tool may have changed since. Rejects when the server does not tell its tools.
 */
export async function headersFault(
  running: RunningMcp,
  passage: Passage,
  admitted: Admitted,
  message: Message,
): Promise<string | undefined> {
  const { name, arguments: given = {} } = message.params
  const { headers } = passage.request
  const key = JSON.stringify([passage.server, admitted.subject, admitted.actor])
  const known = running.toolLists.get(key)
  const now = running.tools.now()
  if (known !== undefined && now < known.until) {
    const listed = await known.listed
    if (isSettled(listed.get(String(name)) ?? [], headers, given)) return undefined
  }
  const kept = { listed: askFor(running, passage, admitted, message), until: now + keptMs }
  running.toolLists.forget(({ until }) => until <= now)
  running.toolLists.set(key, kept)
  const listed = await kept.listed.catch((thrown: unknown) => {
    if (running.toolLists.get(key) === kept) running.toolLists.delete(key)
    throw thrown
  })
  const mirrors = listed.get(String(name)) ?? []
  if ('fault' in mirrors) return `The tool's own schema is at fault: ${mirrors.fault}.`
  return disagreement(mirrors, headers, given)
}

function isSettled(mirrors: Mirrors, headers: IncomingHttpHeaders, given: unknown): boolean {
  if ('fault' in mirrors) return false
  return !hasOthers(mirrors, headers) && disagreement(mirrors, headers, given) === undefined
}

/** All pages. Whoever asked first may leave: others may wait for the same. */
async function askFor(
  running: RunningMcp,
  passage: Passage,
  admitted: Admitted,
  { params }: Message,
): Promise<Listed> {
  const listed = new Map<string, Mirrors>()
  const ending = new AbortController()
  const cancel = running.tools.after(askMs, () => ending.abort(new TypeError('tools were not told in time')))
  try {
    let cursor: unknown
    for (let page = 0; page < mostPages; page += 1) {
      const asked = { _meta: metaOf(params), ...(typeof cursor === 'string' ? { cursor } : {}) }
      const result = await askPage(running, { passage, admitted }, asked, ending.signal)
      for (const tool of Array.isArray(result['tools']) ? result['tools'] : []) keep(listed, tool)
      cursor = result['nextCursor']
      if (typeof cursor !== 'string') return listed
    }
    throw new TypeError('a list of tools without end')
  } finally {
    cancel()
  }
}

function keep(listed: Map<string, Mirrors>, tool: unknown): void {
  if (!isObject(tool) || typeof tool['name'] !== 'string') return
  const mirrors = mirrorsIn(tool['inputSchema'])
  if ('fault' in mirrors || mirrors.length > 0) listed.set(tool['name'], mirrors)
}

const id = 'mayfly-tools'

async function askPage(
  running: RunningMcp,
  { passage, admitted }: { readonly passage: Passage; readonly admitted: Admitted },
  params: JsonObject,
  signal: AbortSignal,
): Promise<Readonly<Record<string, unknown>>> {
  const mirrored = { 'mcp-protocol-version': modern, 'mcp-method': 'tools/list' }
  const bytes = Buffer.from(JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/list', params }))
  const got = await toServer(running, { passage, admitted, bytes, mirrored }, signal)
  for await (const text of messagesOf(got)) {
    const value: unknown = JSON.parse(text)
    if (!isObject(value) || value['id'] !== id || 'method' in value) continue
    if (isObject(value['result'])) return value['result']
    break
  }
  throw new TypeError(`the server does not tell its tools (status ${got.status})`)
}
