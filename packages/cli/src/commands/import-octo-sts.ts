import { basename } from 'node:path'
import { importOctoSts } from '@mayfly/policy/convert/octo-sts/import'
import type { Command } from '../command.ts'
import { importExits, importOptions, importRules } from '../convert/importing.ts'
import { readText } from '../input.ts'

export const command: Command = {
  usage: '--repository OWNER/NAME [options] FILE...',
  about: `Turns trust policies of octo-sts (.github/chainguard/NAME.sts.yaml) into a policy. It never lets in what they did
not; what they let in beyond what they seemed to is listed on standard error.`,
  options: {
    repository: {
      type: 'string',
      value: 'OWNER/NAME',
      summary: 'The repository that the files stand in',
    },
    app: {
      type: 'string',
      value: 'NAME',
      summary: 'The connection of the targets; default: octo-sts',
    },
    ...importOptions,
  },
  words: { least: 1, most: 1000 },
  examples: [
    'mayfly import octo-sts --repository acme/web .github/chainguard/*.sts.yaml > policies/web.policy.yaml',
  ],
  exits: importExits,
  run: (given, terminal) =>
    importRules(given, terminal, async () => {
      const repository = given.text('repository')
      const texts = await Promise.all(given.words.map((path) => readText(path, terminal)))
      return texts.map((text, at) => {
        const name = basename(given.words[at] ?? '').replace(/\.sts\.ya?ml$/, '')
        const owner = repository?.split('/')[0]
        // A file of the `.github` repository speaks of the repositories that it lists.
        const own = repository === undefined || repository.endsWith('/.github') ? {} : { repository }
        const source = { name, text, ...own, ...(owner === undefined ? {} : { owner }) }
        return importOctoSts(source, given.text('app') ?? 'octo-sts')
      })
    }),
}
