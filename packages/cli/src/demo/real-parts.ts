/** The demo's parts as they are: nothing here is made for the demo but GitHub's stand-in. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { auditCommands } from '../audit-commands.ts'
import { run } from '../run.ts'
import type { DemoParts, Server } from './parts.ts'
import { startGithub } from './stand-in/github.ts'

/** Throws when this is not a clone of the repository, which has the action's bundle and the examples. */
export async function realParts(): Promise<DemoParts> {
  const root = join(import.meta.dirname, '../../../..')
  const policies = join(root, 'examples/startup/policies')
  const action = (script: string) => join(root, 'packages/action/dist', script)
  if (!existsSync(policies)) {
    throw new Error('the demo runs in a clone of the repository: npm ci && npm start')
  }
  const { openFromFile } = await import('@mayfly/broker/main')
  // By its path: the examples are no part of what is published, so no build may follow this import.
  const orders: { startOrdersApi: (port: number) => Promise<Server> } = await import(
    pathToFileURL(join(root, 'examples/orders-api/server.ts')).href
  )
  return {
    openBroker: openFromFile,
    startGithub,
    startOrdersApi: () => orders.startOrdersApi(0),
    action: { main: action('main.js'), post: action('post.js') },
    policies,
    patienceMs: 30_000,
    mayfly: (typed, terminal) => run(typed, auditCommands, terminal),
  }
}
