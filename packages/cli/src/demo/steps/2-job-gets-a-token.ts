import { type JobRunner, openRunner, type StepResult } from '../runner.ts'
import { claimsOf } from '../secrets.ts'
import type { Site } from '../site.ts'
import { expect, type Stage } from '../stage.ts'
import { type JobClaims, pushJob } from '../stand-in/claims.ts'
import type { Job } from '../stand-in/token-issuer.ts'

/** A job on a runner. */
export interface RunningJob {
  readonly job: Job
  readonly runner: JobRunner
}

/** A job that holds a token. */
export interface DeployJob extends RunningJob {
  /** `MAYFLY_TOKEN`, as the job's later steps find it. */
  readonly token: string
  /** Seconds since 1970. */
  readonly expiresAt: number
}

/** Step 2: the deploy job of main, in environment production, exchanges its ID token by our action. */
export async function deployJobGetsToken(stage: Stage, site: Site): Promise<DeployJob> {
  stage.say('    a push to main of acme/shop; the job has `environment: production`')
  const wanted = { target: 'orders-api', audience: 'https://orders.acme.example' }
  const deploy = await getToken(stage, site, pushJob('production'), wanted)
  const asked = site.github.seen.filter(({ door }) => door !== 'idToken')
  for (const { url, status } of asked) stage.say(`      broker -> GitHub: GET ${url}\n        <- ${status}`)
  expect(
    asked.some(({ door, status }) => door === 'jwks' && status === 200),
    "the broker did not ask for GitHub's keys",
  )
  return deploy
}

/** Runs the action's main step and checks all that it leaves behind. */
export async function getToken(
  stage: Stage,
  site: Site,
  claims: JobClaims,
  wanted: { readonly target: string; readonly audience: string },
): Promise<DeployJob> {
  const running = startJob(stage, site, claims)
  const result = await runMain(stage, site, running, wanted.target)
  stage.showWire()
  expect(result.exitCode === 0, `the action failed with exit code ${result.exitCode}`)
  const token = result.environment['MAYFLY_TOKEN'] ?? ''
  stage.say(`    MAYFLY_TOKEN in the job's environment: ${stage.secrets.show(token)}`)
  const { aud, exp, check_run_id: id } = claimsOf(token) ?? {}
  expect(aud === wanted.audience, `the token is for ${String(aud)} instead of ${wanted.audience}`)
  expect(id === running.job.claims['check_run_id'], 'the token does not name the job')
  expect(result.masked.includes(token), 'the action did not mask the token')
  const shown = result.log.join('\n')
  expect(
    result.masked.every((secret) => !shown.includes(secret)),
    'a masked value is in the log of the job',
  )
  return { ...running, token, expiresAt: Number(exp) }
}

/** A job of GitHub's, and a runner that has its variables. */
export function startJob(stage: Stage, site: Site, claims: JobClaims): RunningJob {
  const job = site.github.job(claims)
  stage.secrets.show(job.requestToken)
  const requestUrl = job.requestUrl.replace(new URL(job.requestUrl).origin, site.githubUrl)
  const env = { ...job.env, ACTIONS_ID_TOKEN_REQUEST_URL: requestUrl }
  const runner = openRunner({ action: stage.parts.action, env, folder: stage.folder })
  stage.onClose(() => runner.close())
  return { job, runner }
}

/** The action's main step with its log, as the runner shows it. */
export async function runMain(
  stage: Stage,
  site: Site,
  { runner }: RunningJob,
  target: string,
): Promise<StepResult> {
  stage.say(`    uses: mayfly-dev/mayfly@v1\n    with: { url: ${site.url}, target: ${target} }`)
  const result = await runner.main({ url: site.url, target, scope: '', export: 'env' })
  sayLog(stage, result)
  return result
}

/** The log of a step; what the runner was told to mask is a secret of this demo too. */
export function sayLog(stage: Stage, { log, masked }: StepResult): void {
  for (const secret of masked) stage.secrets.show(secret)
  for (const line of log) stage.say(`      | ${line}`)
}
