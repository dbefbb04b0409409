import { type Credential, exchange } from '@mayfly/client/exchange'
import { secretsOf } from '@mayfly/client/form'
import { githubActionsToken } from '@mayfly/client/github'
import { MayflyRefused } from '@mayfly/client/refusal'
import { revoke } from '@mayfly/client/revoke'
import { fault, mask, say } from './commands.ts'
import { deliver, type Granted } from './deliver.ts'
import { type Inputs, readInputs } from './inputs.ts'
import type { Runner } from './runner.ts'
import { requireRunnerFiles, summarize } from './runner-files.ts'
import { saveHeld } from './state.ts'
import { failedSummary, grantedSummary, type Refused, refusalText, refusedSummary } from './summary.ts'

/**
 * The main step: asks for every target, hands over all or nothing. Answers whether the step succeeded; what it has
 * to say is in the log and in the job's summary by then. What was granted is in the state, also when it failed.
 */
export async function acquire(runner: Runner): Promise<boolean> {
  try {
    const inputs = readInputs(runner)
    requireRunnerFiles(runner)
    const { granted, refused } = await askForEach(runner, inputs)
    if (refused.length > 0) return tellRefused(runner, granted, refused)

    deliver(runner, granted, inputs)
    for (const { target, credential, expiresAt } of granted) {
      say(runner, `Mayfly granted ${target} until ${expiresAt} (lease ${credential.leaseId}).`)
    }
    summarize(runner, grantedSummary(granted))
    return true
  } catch (error) {
    const text = error instanceof Error ? error.message : 'Something unexpected was thrown.'
    fault(runner, 'Mayfly', text)
    summarize(runner, failedSummary(text))
    return false
  }
}

/** A refusal by the policy does not stop the round, so that all of them are told at once; anything else does. */
async function askForEach(runner: Runner, inputs: Inputs) {
  const granted: Granted[] = []
  const refused: Refused[] = []
  for (const target of inputs.targets) {
    try {
      const credential = await ask(runner, inputs, target)
      await hold(runner, inputs.url, target, credential, granted.length)
      const end = credential.expiresAt ?? runner.now() + credential.expiresIn
      granted.push({
        target,
        credential,
        expiresAt: new Date(end * 1000).toISOString().replace('.000Z', 'Z'),
      })
    } catch (error) {
      if (!(error instanceof MayflyRefused) || !isPolicys(error)) throw error
      refused.push({ target, refusal: error })
    }
  }
  return { granted, refused }
}

/** A busy or failing broker, or a place that is none, says the same about every target. */
function isPolicys({ status, error }: MayflyRefused): boolean {
  return status !== 429 && status < 500 && error !== 'unexpected_answer'
}

async function ask(runner: Runner, inputs: Inputs, target: string): Promise<Credential> {
  const { env, transport } = runner
  const subjectToken = async () => {
    const token = await githubActionsToken({ audience: inputs.url, env, transport })
    mask(runner, token)
    return token
  }
  const scope = inputs.scope === undefined ? {} : { scope: inputs.scope }
  const credential = await exchange({ url: inputs.url, target, subjectToken, transport, ...scope })
  for (const secret of secretsOf(credential)) mask(runner, secret)
  return credential
}

/** A credential that cannot be written down for the post step is given back at once. */
async function hold(runner: Runner, url: string, target: string, credential: Credential, position: number) {
  const token = credential.leaseToken
  try {
    saveHeld(runner, position, { url, target, leaseId: credential.leaseId, token })
  } catch (error) {
    await revoke({ url, token, transport: runner.transport })
    throw error
  }
}

function tellRefused(runner: Runner, granted: readonly Granted[], refused: readonly Refused[]): false {
  for (const each of refused) {
    fault(runner, `Mayfly refused ${each.target}`, refusalText(each.refusal))
  }
  if (granted.length > 0) {
    const names = granted.map((each) => each.target).join(', ')
    say(runner, `Nothing was exported. The post step revokes what was granted: ${names}.`)
  }
  summarize(runner, refusedSummary(refused))
  return false
}
