/**
 * `npm run site`: the pages of docs/ and the library's reference as a site of plain files in dist-site/, which can be read
 * from a disk or below any path of a server, and asks nobody else for anything. Ends with an error where typedoc has a word to
 * say, or where a link leads nowhere.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Application, Converter, type DocumentReflection, PageEvent } from 'typedoc';
import { brokenLinks } from './check-site.ts';
import { codeBlocks } from './code-blocks.ts';
import { INDEX, pagesOf } from './pages.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const OUT = join(ROOT, 'dist-site');
const inRoot = (path: string) => join(ROOT, path);

/** Types that are read where they stand in other types, and that nobody needs the names of. */
const UNNAMED = [
  'AnyPlan',
  'ErrorDetails',
  'FieldValue',
  'FileAtStart',
  'FileIdentity',
  'FormatValue',
  'GivenOption',
  'Guests',
  'HostFacts',
  'IndexRange',
  'Known',
  'MmFieldCalls',
  'MmFields',
  'NameOptions',
  'NetworkOptions',
  'OptionValue',
  'Place',
  'PlanFile',
  'ProtectionText',
  'RandomChoice',
  'ReadSome',
  'ResumeWishes',
  'SIZES',
  'StackImage',
  'StartPlan',
  'StdioEntry',
  'TraceValue',
  'VdsoPiece',
  'Watch',
] as const;

const pages = [
  { group: 'Start', title: 'All pages', path: INDEX },
  ...pagesOf(readFileSync(inRoot(INDEX), 'utf8')),
];
const groups = [...new Set(pages.map(({ group }) => group))];

const app = await Application.bootstrap({
  name: 'run-foreign',
  readme: inRoot('README.md'),
  tsconfig: inRoot('tsconfig.json'),
  entryPoints: ['src/index.ts', 'src/loader/index.ts', 'src/testkit/index.ts'].map(inRoot),
  displayBasePath: ROOT,
  projectDocuments: pages.map(({ path }) => inRoot(path)),
  out: OUT,
  customCss: inRoot('docs/site/style.css'),
  customJs: inRoot('docs/site/open-groups.js'),
  markdownItLoader: codeBlocks,
  highlightLanguages: ['c', 'console', 'ini', 'js', 'json', 'markdown', 'py', 'sh', 'text', 'ts'],
  disableGit: true,
  disableSources: true,
  hideGenerator: true,
  githubPages: false,
  includeVersion: true,
  excludeInternal: true,
  searchInComments: true,
  searchInDocuments: true,
  navigation: { includeGroups: true },
  headings: { readme: false, document: false },
  groupOrder: [...groups, 'Modules', '*'],
  kindSortOrder: ['Document', 'Module', 'Function', 'Class', 'Interface', 'TypeAlias', 'Variable'],
  requiredToBeDocumented: ['Variable', 'Function', 'Class', 'Interface', 'TypeAlias'],
  intentionallyNotExported: [...UNNAMED],
  validation: { notExported: true, invalidLink: true, invalidPath: true, notDocumented: true },
  treatWarningsAsErrors: true,
  treatValidationWarningsAsErrors: true,
});

app.converter.on(Converter.EVENT_CREATE_DOCUMENT, (_: unknown, document: DocumentReflection) => {
  const file = document.project.files.getReflectionPath(document);
  const page = pages.find(({ path }) => inRoot(path) === file);
  if (page === undefined) return;
  document.name = page.title;
  document.frontmatter['group'] = page.group;
});

// typedoc leads to the directory where a page names the README; only a server would find the file in it.
app.renderer.on(PageEvent.END, (page) => {
  page.contents = (page.contents ?? '').replace(/ href="((?:\.\.?\/)+)(#[^"]*)?"/g, ' href="$1index.html$2"');
});

const project = await app.convert();
if (project === undefined) process.exit(1);
app.validate(project);
await app.generateOutputs(project);
if (app.logger.hasErrors() || app.logger.hasWarnings()) process.exit(1);
const broken = brokenLinks(OUT);
for (const each of broken) app.logger.error(each);
if (broken.length > 0) process.exit(1);
