/**
 * Tools that an operator has read: a model believes what a tool says of itself, so one that says something else later is
 * another tool, and is nobody's until it was read again.
 */
import type { McpRouteSettings, RunningMcp } from './running.ts'
import { definitionOf, type ToolDefinition } from './tool-definition.ts'

/** Why a tool is not the one that was pinned, for the log; `undefined`: it is, or none are pinned. */
export function changedSince(
  { servers }: Pick<McpRouteSettings, 'servers'>,
  server: string,
  name: string,
  definition: ToolDefinition | undefined,
): string | undefined {
  const pins = Object.hasOwn(servers, server) ? servers[server]?.tools : undefined
  if (pins === undefined) return undefined
  const pin = Object.hasOwn(pins, name) ? pins[name] : undefined
  if (definition !== undefined && definition.digest === pin) return undefined
  const { digest = '' } = definition ?? {}
  const now = digest === '' ? 'the server does not tell it' : `it is ${digest}`
  return `the tool ${name} is ${pin === undefined ? 'not pinned' : 'not as it was pinned'}: ${now}`
}

/** Whether a tool in a list may be shown. One that may not is told once to whoever runs the proxy. */
export function isAsPinned(running: RunningMcp, server: string, name: string, tool: unknown): boolean {
  if (running.settings.servers[server]?.tools === undefined) return true
  const changed = changedSince(running.settings, server, name, definitionOf(tool))
  if (changed === undefined) return true
  const said = JSON.stringify([server, changed])
  if (running.told.get(said) === undefined) {
    running.told.set(said, true)
    running.tools.log.warn('a tool is not offered', { route: running.settings.name, server, reason: changed })
  }
  return false
}
