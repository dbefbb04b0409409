import type { Policy } from '../policy.ts'
import type { Vocabulary } from '../read/vocabulary.ts'
export function checkGrants(_policy: Policy, _vocabulary: Vocabulary): void {}
