/** An ssh-agent of our own with one key and its certificate: `ssh`, `scp` and `git` find it by SSH_AUTH_SOCK. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'

export interface SshAgent {
  readonly variables: Readonly<Record<string, string>>
  close(): void
}

const startMs = 5_000

/**
 * Starts one whose socket lies in `folder`, and which forgets the key after `seconds`: should we be killed, it has nothing
 * when the certificate ends. `undefined` where OpenSSH is not installed.
 */
export async function openSshAgent(
  folder: string,
  keyFile: string,
  seconds: number,
): Promise<SshAgent | undefined> {
  const socket = join(folder, 'agent')
  const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' })
  const failed = once(agent, 'exit').catch(() => undefined)
  const close = () => void agent.kill('SIGKILL')
  agent.once('error', () => {})
  for (let waited = 0; !existsSync(socket); waited += 20) {
    if (waited > startMs || agent.pid === undefined || agent.exitCode !== null)
      return end(close, failed, agent)
    await wait(20)
  }
  const add = spawn('ssh-add', ['-q', '-t', String(Math.max(1, seconds)), keyFile], {
    stdio: 'ignore',
    env: { ...process.env, SSH_AUTH_SOCK: socket },
  })
  const [code] = (await once(add, 'exit').catch(() => [1])) as [number | null]
  return code === 0 ? { variables: { SSH_AUTH_SOCK: socket }, close } : end(close, failed, agent)
}

async function end(close: () => void, failed: Promise<unknown>, agent: ChildProcess): Promise<undefined> {
  close()
  if (agent.pid !== undefined) await failed
  return undefined
}
