import { publicText, tellRefusal } from '../read-log.ts'
import { jobIsRefused } from '../refused-job.ts'
import type { Site } from '../site.ts'
import { expect, type Stage } from '../stage.ts'
import { pushJob } from '../stand-in/claims.ts'
import type { Message } from '../wire.ts'
import { type DeployJob, getToken, sayLog } from './2-job-gets-a-token.ts'

/** Step 3: the API through the proxy; everybody else is refused, and only the owner of the log learns why. */
export async function useProxy(stage: Stage, site: Site, deploy: DeployJob): Promise<void> {
  const { production, staging } = site.proxy
  stage.say('    the deploy job calls the API with its token')
  const allowed = await callProxy(stage, production, deploy.token)
  const upstream = stage.wire.recent().find(({ to }) => to === 'orders API')
  stage.showWire()
  expect(allowed.status === 200, `the proxy answered ${allowed.status} instead of 200`)
  expect(upstream !== undefined, 'nothing reached the API')
  expect(!JSON.stringify(upstream).includes(deploy.token), "the caller's token reached the API")

  stage.say('    the same call without a token')
  await refusedCall(stage, site, undefined)

  stage.say('    a staging job gets a token for staging, which opens staging')
  const audience = 'https://orders.staging.acme.example'
  const other = await getToken(stage, site, pushJob('staging'), { target: 'orders-api-staging', audience })
  const own = await callProxy(stage, staging, other.token)
  stage.showWire()
  expect(own.status === 200, `the staging proxy answered ${own.status} instead of 200`)

  stage.say('    the same call to production with that token, which is for another environment')
  const text = await refusedCall(stage, site, other.token)
  stage.say("    the same call with the staging job's own ID token of GitHub")
  const idToken = site.github.idTokenOf(other.job, site.url)
  expect((await refusedCall(stage, site, idToken)) === text, 'two refusals differ in public')

  stage.say('    the staging job asks the broker for production')
  const wish = { target: 'orders-api', claim: 'environment', got: 'staging' }
  const { runner } = await jobIsRefused(stage, site, pushJob('staging'), wish)
  runner.close()
  await giveBack(stage, site, other)
}

/** The post step of the action: the credential ends with the job that had it. */
async function giveBack(stage: Stage, site: Site, { runner, token }: DeployJob): Promise<void> {
  stage.say('    the staging job is done: the post step of the action gives its token back')
  const post = await runner.post()
  sayLog(stage, post)
  runner.close()
  stage.showWire()
  expect(post.exitCode === 0, `the post step failed with exit code ${post.exitCode}`)
  const after = await callProxy(stage, site.proxy.staging, token)
  stage.showWire()
  expect(after.status === 401, `after the post step the staging proxy answered ${after.status}`)
}

/** `GET /orders` at a proxy. */
export function callProxy(stage: Stage, url: string, token: string | undefined): Promise<Message> {
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` }
  return stage.wire.call({ from: 'job', to: 'proxy' }, `${url}/orders`, { headers })
}

/** A call to the production proxy that must be refused; answers with what everybody may read. */
export async function refusedCall(stage: Stage, site: Site, token: string | undefined): Promise<string> {
  const refused = await callProxy(stage, site.proxy.production, token)
  const reached = stage.wire.recent().some(({ to }) => to === 'orders API')
  stage.showWire()
  expect(refused.status === 401, `the proxy answered ${refused.status} instead of 401`)
  expect(!reached, 'the refused call reached the API')
  await tellRefusal(stage, site, refused.answer)
  return publicText(refused.answer)
}
