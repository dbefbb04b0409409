/** check/tested: production grants that no test of the policy speaks for. */
import type { Policy } from '../policy.ts'
import type { Faults } from '../read/faults.ts'
import type { TestResult } from '../read/policy-tests.ts'

export function checkTested(policy: Policy, results: readonly TestResult[], faults: Faults): void {
  for (const grant of policy.grants) {
    const production = grant.gifts.map(({ target }) => target).filter(({ tier }) => tier === 'production')
    if (production.length === 0) continue
    const granted = results.some(({ grants }) => grants.includes(grant.name))
    const refused = results.some(
      ({ target, grants }) => grants.length === 0 && production.some(({ name }) => name === target),
    )
    if (granted && refused) continue
    const lacking = [...(granted ? [] : ['one that is granted']), ...(refused ? [] : ['one that is refused'])]
    const message = `production grant \`${grant.name}\` has no test of ${lacking.join(' and ')}`
    faults.warning('P034', grant.place, message, 'add them under tests:')
  }
}
