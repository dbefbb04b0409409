import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Site } from '../site.ts'
import { expect, type Stage } from '../stage.ts'

/** Step 7: no token, key or secret of this story is in what was printed, logged, recorded or measured. */
export async function nothingLeaked(stage: Stage, site: Site): Promise<void> {
  const metrics = await fetch(`${site.listens}/metrics`)
  const places: Readonly<Record<string, string>> = {
    'what you have read here': stage.transcript.join('\n'),
    "the broker's log": site.log.join(''),
    'the audit log': readFileSync(join(stage.folder, 'log.jsonl'), 'utf8'),
    'the metrics': await metrics.text(),
  }
  const secrets = [...stage.secrets.all, ...site.made]
  for (const [place, text] of Object.entries(places)) {
    expect(text !== '', `${place}: nothing to look through`)
    expect(!secrets.some((secret) => text.includes(secret)), `a secret is in ${place}`)
  }
  stage.say(
    `    ${secrets.length} tokens, keys and secrets; none of them is in ${Object.keys(places).join(', ')}`,
  )
}
