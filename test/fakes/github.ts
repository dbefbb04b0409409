/** GitHub's token service for a test; it ends with the test. The server itself is the demo's. */
import type { TestContext } from 'node:test'
import { type Github, type GithubOptions, startGithub } from '../../packages/cli/src/demo/stand-in/github.ts'

/** Starts GitHub's token service, with keys of its own, on loopback. */
export async function githubFor(t: TestContext, options: GithubOptions = {}): Promise<Github> {
  const started = await startGithub(options)
  t.after(() => started.close())
  return started
}
