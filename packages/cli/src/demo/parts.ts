/** What the demo is made of. Tests replace one part by a broken one and see which step names it. */

import type { Running } from '@mayfly/broker/broker'
import type { FileOptions } from '@mayfly/broker/main'

import type { Terminal } from '../terminal.ts'
import type { ActionBundle } from './runner.ts'
import type { Github } from './stand-in/github.ts'

/** Something that listens on loopback. */
export interface Server {
  readonly url: string
  close(): Promise<void>
}

export interface DemoParts {
  readonly openBroker: (options: FileOptions) => Promise<Running>
  readonly startGithub: () => Promise<Github>
  /** The API that the proxy protects. */
  readonly startOrdersApi: () => Promise<Server>
  readonly action: ActionBundle
  /** Folder of the policy. */
  readonly policies: string
  /** How long one step may take. */
  readonly patienceMs: number
  /** The command line, in this process. */
  readonly mayfly: (typed: readonly string[], terminal: Terminal) => Promise<number>
}
