import { createHmac, randomUUID } from 'node:crypto'

/** What a delivery says about a job; as in the job's claims. */
export interface EndedJob {
  readonly claims: Readonly<Record<string, unknown>>
  readonly conclusion: 'success' | 'failure' | 'cancelled'
  /** Milliseconds since 1970. */
  readonly endedAt: number
}

/** A delivery as GitHub sends it: the bytes, and the headers that go with them. */
export interface Delivery {
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** A `workflow_job` event, signed over exactly the bytes of its body. */
export function workflowJobCompleted(job: EndedJob, secret: string): Delivery {
  return delivery('workflow_job', JSON.stringify(payload(job)), secret)
}

/** Any event, signed. */
export function delivery(event: string, body: string, secret: string): Delivery {
  return {
    headers: {
      'content-type': 'application/json',
      'user-agent': 'GitHub-Hookshot/stand-in',
      'x-github-delivery': randomUUID(),
      'x-github-event': event,
      'x-github-hook-id': '501',
      'x-github-hook-installation-target-type': 'organization',
      'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
    },
    body,
  }
}

/** As api.github.com's schema of `workflow_job` has it. Ids are numbers here, strings in the token. */
function payload({ claims, conclusion, endedAt }: EndedJob) {
  const repository = String(claims['repository'])
  const [owner, name] = repository.split('/')
  const api = `https://api.github.com/repos/${repository}`
  const runId = Number(claims['run_id'])
  const checkRunId = Number(claims['check_run_id'])
  const page = `https://github.com/${repository}/actions/runs/${runId}/job/${checkRunId}`
  const ended = new Date(endedAt).toISOString().replace(/\.\d+Z$/, 'Z')
  const organization = { login: owner, id: Number(claims['repository_owner_id']), type: 'Organization' }
  return {
    action: 'completed',
    workflow_job: {
      id: checkRunId,
      run_id: runId,
      workflow_name: claims['workflow'],
      head_branch: String(claims['head_ref'] || claims['ref']).replace(/^refs\/heads\//, ''),
      run_url: `${api}/actions/runs/${runId}`,
      run_attempt: Number(claims['run_attempt']),
      node_id: `CR_${checkRunId}`,
      head_sha: claims['sha'],
      url: `${api}/actions/jobs/${checkRunId}`,
      html_url: page,
      status: 'completed',
      conclusion,
      created_at: ended,
      started_at: ended,
      completed_at: ended,
      name: 'deploy',
      steps: [
        {
          name: 'Set up job',
          status: 'completed',
          conclusion: 'success',
          number: 1,
          started_at: ended,
          completed_at: ended,
        },
        {
          name: 'Deploy',
          status: 'completed',
          conclusion,
          number: 2,
          started_at: ended,
          completed_at: ended,
        },
      ],
      check_run_url: `${api}/check-runs/${checkRunId}`,
      labels: ['ubuntu-latest'],
      runner_id: 21,
      runner_name: 'GitHub Actions 21',
      runner_group_id: 0,
      runner_group_name: 'GitHub Actions',
    },
    repository: {
      id: Number(claims['repository_id']),
      name,
      full_name: repository,
      private: claims['repository_visibility'] !== 'public',
      owner: organization,
      html_url: `https://github.com/${repository}`,
      url: api,
      default_branch: 'main',
    },
    organization,
    sender: { login: claims['actor'], id: Number(claims['actor_id']), type: 'User' },
  }
}
