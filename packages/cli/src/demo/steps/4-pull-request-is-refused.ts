import { jobIsRefused } from '../refused-job.ts'
import type { Site } from '../site.ts'
import type { Stage } from '../stage.ts'
import { pullRequestJob } from '../stand-in/claims.ts'

/** Step 4: a pull request that names environment production in its workflow does not become production. */
export async function pullRequestIsRefused(stage: Stage, site: Site): Promise<void> {
  stage.say('    a pull request to acme/shop; its job says `environment: production` as well')
  const wanted = { target: 'orders-api', claim: 'event_name', got: 'pull_request' }
  const { runner } = await jobIsRefused(stage, site, pullRequestJob('production'), wanted)
  runner.close()
}
