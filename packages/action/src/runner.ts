/**
 * action: one step of a GitHub job that gets credentials from a Mayfly broker, and a post step that gives them back.
 * It owns the runner's protocol (inputs, commands on stdout, files, the summary); the exchange is the client's.
 * It never prints a secret before the runner knows it as one. Called by GitHub's runner: main.ts, then post.ts.
 */
import type { Transport } from '@mayfly/client/transport'

/** Everything that the action takes from its surroundings; nothing else is read or changed. */
export interface Runner {
  readonly env: Readonly<Record<string, string | undefined>>
  /** Standard output, where the runner reads its commands. */
  readonly write: (text: string) => void
  readonly appendFile: (path: string, text: string) => void
  /** A file or folder for its owner alone; fails when it is there already. */
  readonly createFile: (path: string, text: string) => void
  readonly createFolder: (path: string) => void
  readonly removeFolder: (path: string) => void
  /** 32 hexadecimal digits that nobody can foresee. */
  readonly randomName: () => string
  /** Seconds since 1970. */
  readonly now: () => number
  readonly transport: Transport
  /** Node's own path, and that of another script of this action: for what other programs call later. */
  readonly node: string
  readonly scriptPath: (name: string) => string
}
