/** What changes a claim of GitHub's: told to whoever wrote the workflow, in the words of its file. */
const MOST_SHOWN = 3

/** As `IssuerSchema.mend`. `wanted` holds exact values; empty when the policy has a pattern. */
export function githubMend(claim: string, wanted: readonly string[]): string | undefined {
  const shown = wanted.slice(0, MOST_SHOWN)
  switch (claim) {
    case 'environment':
      return shown.length === 0
        ? undefined
        : `write ${either(shown.map((name) => `environment: ${name}`))} in the job`
    case 'ref':
      return shown.length === 0 ? undefined : `run it on ${either(shown.map(refName))}`
    case 'event_name':
      return shown.length === 0 ? undefined : `start the workflow by ${either(shown)} (\`on:\`)`
    case 'runner_environment':
      return shown.includes('github-hosted')
        ? 'use a GitHub-hosted runner: `runs-on: ubuntu-latest`'
        : 'use your own runner: `runs-on: self-hosted`'
    case 'ref_protected':
      return 'protect the branch or tag by a rule of the repository'
    case 'workflow.repo':
    case 'workflow.file':
    case 'workflow.ref':
      return 'let the job call the reusable workflow that the policy names (`uses:`), at the ref that it names'
    default:
      return undefined
  }
}

/** `refs/heads/main` as people say it. */
function refName(ref: string): string {
  return ref.replace(/^refs\/heads\//, 'branch ').replace(/^refs\/tags\//, 'tag ')
}

function either(choices: readonly string[]): string {
  return choices.map((choice) => `\`${choice}\``).join(' or ')
}
