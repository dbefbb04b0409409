/** A job that asks for what it may not have: what it is told, and what the log keeps. */
import { members, tellRefusal } from './read-log.ts'
import type { Site } from './site.ts'
import { expect, type Stage } from './stage.ts'
import type { JobClaims } from './stand-in/claims.ts'
import { type RunningJob, runMain, startJob } from './steps/2-job-gets-a-token.ts'

interface Wanted {
  readonly target: string
  /** The claim that the explanation must name, and what the job's token has there. */
  readonly claim: string
  readonly got: string
}

/** Runs the action's main step of a new job; it must be refused, and the explanation must name the claim. */
export async function jobIsRefused(
  stage: Stage,
  site: Site,
  claims: JobClaims,
  wanted: Wanted,
): Promise<RunningJob> {
  const running = startJob(stage, site, claims)
  const result = await runMain(stage, site, running, wanted.target)
  const answer = stage.wire.recent().findLast(({ path }) => path === '/token')
  stage.showWire()
  expect(result.exitCode !== 0, `the job got ${wanted.target}`)
  expect(Object.keys(result.environment).length === 0, 'a refused step left variables behind')
  expect(answer?.status === 400, `the broker answered ${answer?.status ?? 'nothing'} instead of 400`)
  const { error } = members(answer.answer)
  expect(error === 'invalid_target', `the broker said ${String(error)} instead of invalid_target`)
  await tellRefusal(stage, site, answer.answer)

  const failing = failingConditions(answer.answer).find(({ claim }) => claim === wanted.claim)
  expect(failing !== undefined, `the explanation does not name the condition on ${wanted.claim}`)
  const { grant, got, needed } = failing
  expect(got === wanted.got, `the explanation says that ${wanted.claim} is ${got}`)
  stage.say(
    `    the condition that failed, also in the job's summary: ${grant}: ${wanted.claim} is ${got}, needs ${needed}`,
  )
  expect(result.summary.includes(wanted.claim), "the job's summary does not name the condition")
  return running
}

interface Failing {
  readonly grant: string
  readonly claim: string
  readonly got: string
  readonly needed: string
}

/** RFC 8693 leaves room for more members; ours explains a refusal to the job that was refused. */
function failingConditions(answer: string): readonly Failing[] {
  const explanation = members(answer)['explanation']
  const { grants = [] } = (explanation ?? {}) as {
    grants?: readonly { grant: string; failing: readonly Omit<Failing, 'grant'>[] }[]
  }
  return grants.flatMap(({ grant, failing }) => failing.map((each) => ({ ...each, grant })))
}
