import type { Site } from '../site.ts'
import { expect, type Stage } from '../stage.ts'
import type { DeployJob } from './2-job-gets-a-token.ts'
import { callProxy, refusedCall } from './3-proxy-asks-every-time.ts'

/** Step 5: the runner is gone before its post step ran; GitHub's webhook ends the lease all the same. */
export async function jobEnds(stage: Stage, site: Site, deploy: DeployJob): Promise<void> {
  const before = await callProxy(stage, site.proxy.production, deploy.token)
  stage.wire.take()
  expect(before.status === 200, `before the end of the job the proxy answered ${before.status}`)
  deploy.runner.close()
  stage.say('    the machine of the deploy job is lost: no post step. GitHub tells us that the job is over')
  const { github, webhookUrl, webhookSecret } = site
  const delivery = await github.completeJob(deploy.job, webhookUrl, webhookSecret, 'cancelled')
  stage.showWire()
  expect(delivery.status === 202, `the webhook was answered with ${delivery.status}`)

  const left = deploy.expiresAt - Math.floor(Date.now() / 1000)
  stage.say(`    the same call with the same token, which would have ${left} s to live`)
  expect(left > 60, 'the token has expired by itself')
  await refusedCall(stage, site, deploy.token)
}
