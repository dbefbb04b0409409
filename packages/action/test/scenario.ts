import assert from 'node:assert/strict'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { entriesOf, type FakeJob, type StepResult, startJob } from './fake-runner.ts'
import { type FakeServices, type Script, startServices, tokenServiceVariables } from './fake-services.ts'

/** A job with its services; both are closed when the test ends. */
export interface Scenario {
  readonly services: FakeServices
  readonly job: FakeJob
  /** The variables of a step with these inputs. */
  step(inputs: Record<string, string>): Record<string, string>
}

export async function startScenario(t: TestContext, script: Script = {}): Promise<Scenario> {
  const services = await startServices(script)
  const job = startJob()
  t.after(async () => {
    job.close()
    await services.close()
  })
  const step = (inputs: Record<string, string>) => ({
    ...tokenServiceVariables(services.url),
    INPUT_URL: services.url,
    ...Object.fromEntries(
      Object.entries(inputs).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value]),
    ),
  })
  return { services, job, step }
}

/**
 * Compares everything that can be seen of a step with `snapshots/<name>.txt`. To change it deliberately:
 * `node --conditions=mayfly-source --test --test-update-snapshots packages/action/test/*.test.ts`.
 */
export function matches(
  t: TestContext,
  name: string,
  result: StepResult,
  scenario: Scenario,
  since = 0,
): void {
  masksFirst(result.stdout, scenario.services.secrets)
  assert.equal(result.stderr, '')
  const { GITHUB_ENV, GITHUB_OUTPUT, GITHUB_STATE, GITHUB_STEP_SUMMARY } = result.files
  const seen = [
    `--- exit code: ${result.exitCode}`,
    `--- requests\n${scenario.services.requests.slice(since).join('\n')}`,
    `--- stdout\n${result.stdout}`,
    `--- environment\n${entryLines(GITHUB_ENV)}`,
    `--- outputs\n${entryLines(GITHUB_OUTPUT)}`,
    `--- state\n${entryLines(GITHUB_STATE)}`,
    `--- summary\n${GITHUB_STEP_SUMMARY}`,
  ].join('\n')
  t.assert.fileSnapshot(normal(seen, scenario), join(import.meta.dirname, 'snapshots', `${name}.txt`), {
    serializers: [String],
  })
}

/** No secret is on standard output unless the runner has been told before, line by line. */
export function masksFirst(stdout: string, secrets: readonly string[]): void {
  for (const secret of secrets.flatMap((each) => each.split(/[\r\n]+/))) {
    const lines = stdout.split('\n').filter((line) => line.includes(secret))
    if (lines.length === 0) continue
    assert.match(lines[0] ?? '', /^::add-mask::/, 'printed before it was masked')
    for (const line of lines) assert.match(line, /^::add-mask::/, 'a secret is in the log')
  }
}

function entryLines(text: string): string {
  return Object.entries(entriesOf(text))
    .map(([name, value]) => `${name} = ${JSON.stringify(value)}\n`)
    .join('')
}

/** What differs from run to run: the port, tokens that name it, and random names. */
function normal(text: string, { services, job }: Scenario): string {
  return text
    .replaceAll(services.url, 'http://BROKER')
    .replaceAll(encodeURIComponent(services.url), 'http%3A%2F%2FBROKER')
    .replaceAll(job.temp, 'RUNNER_TEMP')
    .replaceAll(/eyJ[\w-]+\.eyJ[\w-]+\.[\w-]+/g, 'ID_TOKEN')
    .replaceAll(/mayfly-[0-9a-f]{32}/g, 'mayfly-RANDOM')
}
