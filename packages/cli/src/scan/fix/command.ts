/** fix/command: `mayfly scan --fix` from what was typed to a difference, or to files with `--write`. */
import { lstat, mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type ExitCode, type Given, type Option, UsageFault } from '../../command.ts'
import { replaceFile } from '../../lock/replace-file.ts'
import { printable } from '../../table.ts'
import type { Terminal } from '../../terminal.ts'
import { type CheckoutFile, originOf } from '../checkout.ts'
import { type FixSetting, type Proposed, propose } from './fix.ts'
import { unifiedDiff } from './unified-diff.ts'

export const fixOptions: Readonly<Record<string, Option>> = {
  fix: { type: 'boolean', summary: 'Write a policy and patched workflows as a difference to review' },
  write: { type: 'boolean', summary: 'With --fix: write the files instead' },
  url: {
    type: 'string',
    value: 'URL',
    summary: 'With --fix: the broker’s; default: https://mayfly.example.com',
  },
  repository: {
    type: 'string',
    value: 'OWNER/NAME',
    summary: 'With --fix or --settings: the repository; default: where the checkout came from',
  },
  branch: { type: 'string', value: 'NAME', summary: 'With --fix: the main branch; default: main' },
  action: {
    type: 'string',
    value: 'ACTION@REF',
    summary: 'With --fix: the action, better by a full commit; default: mayfly-dev/mayfly@v1',
  },
}

/** Writes the difference to standard output, and what a person must still do to standard error. */
export async function proposeFix(
  given: Given,
  terminal: Terminal,
  files: readonly CheckoutFile[],
): Promise<ExitCode> {
  if (!given.flag('fix')) throw new UsageFault('--write goes with --fix')
  if (['org', 'json', 'sarif', 'settings'].some((flag) => given.flag(flag)))
    throw new UsageFault(
      '--fix is for one checkout, and writes a difference: without --org, --json, --sarif and --settings',
    )
  const folder = given.words[0] ?? '.'
  const proposed = propose(files, await settingOf(given, folder))
  for (const note of proposed.notes) terminal.tell(printable(note))
  const [, second] = proposed.files
  if (proposed.files.length > 0 && second !== undefined)
    terminal.tell('then: `mayfly policy lock policies/`, `mayfly policy check policies/`')
  if (given.flag('write')) {
    await write(folder, proposed, terminal)
    return 0
  }
  for (const { path, before, after } of proposed.files) {
    if (before === undefined && (await isThere(join(folder, path))))
      terminal.tell(
        `${printable(path)} is there already: move it away, or \`git apply\` refuses the difference`,
      )
    await terminal.write(unifiedDiff(path, before, after))
  }
  return proposed.files.length === 0 ? 0 : 1
}

/** The policy is never written over one that is there: both may be half of what is meant. */
async function write(folder: string, { files }: Proposed, terminal: Terminal): Promise<void> {
  for (const { path, before } of files) {
    const folders = dirname(path).split('/')
    for (const at of folders.keys()) {
      const parent = folders.slice(0, at + 1).join('/')
      const found = await lstat(join(folder, parent)).catch(() => undefined)
      if (found?.isSymbolicLink() === true)
        throw new UsageFault(
          `\`${parent}\` is a link, which may lead out of the checkout; nothing is written`,
        )
    }
    if (before === undefined && (await isThere(join(folder, path))))
      throw new UsageFault(`\`${path}\` is there already; move it away, or review the difference`)
  }
  for (const { path, before, after } of files) {
    const whole = join(folder, path)
    if (before === undefined) {
      await mkdir(dirname(whole), { recursive: true })
      await writeFile(whole, after, { flag: 'wx' })
    } else await replaceFile(whole, after)
    terminal.tell(`wrote ${printable(path)}`)
  }
}

async function isThere(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined)) !== undefined
}

async function settingOf(given: Given, folder: string): Promise<FixSetting> {
  const repository = given.text('repository') ?? (await originOf(folder))
  if (repository === undefined || !/^[A-Za-z0-9-]+\/[A-Za-z0-9._-]+$/.test(repository))
    throw new UsageFault('which repository is this? --repository OWNER/NAME')
  const url = given.text('url') ?? 'https://mayfly.example.com'
  if (!/^https?:\/\/[\w.:[\]-]+(?:\/[\w./-]*)?$/.test(url)) throw new UsageFault('--url is the broker’s URL')
  const action = given.text('action') ?? 'mayfly-dev/mayfly@v1'
  if (!/^[\w.-]+\/[\w./-]+@[\w./-]+$/.test(action)) throw new UsageFault('--action is OWNER/NAME@REF')
  const branch = given.text('branch') ?? 'main'
  if (!/^[\w.][\w./-]*$/.test(branch)) throw new UsageFault('--branch is a branch’s name')
  return { repository, url, action, branch }
}
