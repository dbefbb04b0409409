import { revoke } from '@mayfly/client/revoke'
import { mask, say, warn } from './commands.ts'
import type { Runner } from './runner.ts'
import { type Held, readFolder, readHeld } from './state.ts'

/**
 * The post step: ends every credential that the main step got, and removes its files; also after a failed or a
 * cancelled job. Never fails the job: the broker ends what remains by itself, when the job or the lease ends.
 */
export async function release(runner: Runner): Promise<void> {
  const held = readHeld(runner.env)
  for (const { token } of held) mask(runner, token)
  removeFiles(runner)
  const outcomes = await Promise.all(held.map((each) => giveBack(runner, each)))
  for (const [position, { target, leaseId }] of held.entries()) {
    const reason = outcomes[position]
    if (reason === undefined) say(runner, `Mayfly revoked ${target} (lease ${leaseId}).`)
    else {
      const rest = 'The broker ends it by itself when the job or the lease ends.'
      warn(runner, `Mayfly could not revoke ${target}`, `Lease ${leaseId}: ${reason} ${rest}`)
    }
  }
  if (held.length === 0) say(runner, 'Mayfly has nothing to revoke: no credential was granted in this step.')
}

/** Why it could not be given back, or `undefined`. */
async function giveBack(runner: Runner, held: Held): Promise<string | undefined> {
  try {
    await revoke({ url: held.url, token: held.token, transport: runner.transport })
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : 'Something unexpected was thrown.'
  }
}

function removeFiles(runner: Runner): void {
  const folder = readFolder(runner.env)
  if (folder === undefined) return
  try {
    runner.removeFolder(folder)
  } catch {
    warn(runner, 'Mayfly could not remove its files', folder)
  }
}
