/** The web app for people who use a keyboard or a screen reader, on phone and desktop, in light and dark. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, test } from 'node:test';
import type { AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';
import { openApp } from './site.ts';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const TRAINING_MS = 300_000;

const site = await openApp();
after(() => site.close());

/** Violations that axe-core calls serious or critical, one a line. */
async function violations(page: Page, state: string): Promise<string[]> {
  // Not as a script element: the page's content security policy allows none but its own.
  await page.evaluate(AXE);
  const results = await page.evaluate(() => (window as unknown as { axe: { run(): Promise<AxeResults> } }).axe.run());
  assert.ok(results.passes.length > 10, 'axe-core looked at nothing');
  return results.violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => `${state}: ${id} at ${target.join(' ')}: ${failureSummary}`));
}

/** Presses Tab until the focused element has this name. */
async function tabTo(page: Page, name: string): Promise<void> {
  for (let presses = 0; presses < 200; presses++) {
    const found = await page.evaluate((name) => {
      const focused = document.activeElement;
      return (focused?.getAttribute('aria-label') ?? focused?.textContent ?? '').trim().startsWith(name);
    }, name);
    if (found) return;
    await page.keyboard.press('Tab');
  }
  assert.fail(`the tab key does not reach "${name}"`);
}

async function pressOn(page: Page, name: string): Promise<void> {
  await tabTo(page, name);
  await page.keyboard.press('Enter');
}

test('with the keyboard alone: sample photos, training, a try, removing a photo', async () => {
  const page = await site.page();
  await page.getByText(/Runs on the processor/).waitFor();
  await pressOn(page, 'Use sample photos');
  await page.getByRole('article', { name: 'Class tool' }).waitFor();
  await page.locator('#adding').waitFor({ state: 'detached', timeout: 60_000 });

  const fish = page.getByRole('article', { name: 'Class fish' });
  const photos = Number.parseInt(await fish.locator('.count').innerText(), 10);
  await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
  await tabTo(page, 'fish photo');
  await page.keyboard.press('ArrowRight');
  assert.match(await page.evaluate(() => document.activeElement?.ariaLabel ?? ''), /fish photo 2/);
  await page.keyboard.press('Delete');
  await page.waitForFunction(
    ([label, count]) => document.querySelector(`[aria-label="${label}"] .count`)?.textContent?.startsWith(String(count)),
    ['Class fish', photos - 1] as const,
  );

  await pressOn(page, 'Train');
  await page.getByRole('button', { name: 'Train again', exact: true }).waitFor({ timeout: TRAINING_MS });
  await pressOn(page, 'Try ');
  await page.getByRole('list', { name: 'Tried photos' }).getByRole('meter').first().waitFor();
  await page.context().close();
});

const SCREENS = [
  { name: 'phone', viewport: { width: 360, height: 740 } },
  { name: 'desktop', viewport: { width: 1366, height: 850 } },
];

for (const { name, viewport } of SCREENS) {
  for (const colorScheme of ['light', 'dark'] as const) {
    test(`no serious violations on a ${name} in ${colorScheme} colours, at every stage`, async () => {
      const page = await site.page({ viewport, colorScheme });
      await page.getByText(/Runs on the processor/).waitFor();
      const found = await violations(page, 'empty');

      await page.getByRole('button', { name: 'Use sample photos' }).click();
      await page.getByRole('article', { name: 'Class tool' }).waitFor();
      await page.locator('#adding').waitFor({ state: 'detached', timeout: 60_000 });
      found.push(...(await violations(page, 'with photos')));

      await page.getByRole('list', { name: 'Photos of fish' }).getByRole('button').first().click();
      await page.getByRole('dialog').waitFor();
      found.push(...(await violations(page, 'with a dialog')));
      await page.keyboard.press('Escape');

      await page.getByText('Options', { exact: true }).click();
      await page.getByRole('slider', { name: /Views of each photo/ }).fill('1');
      await page.getByRole('button', { name: 'Train', exact: true }).click();
      await page.getByRole('button', { name: 'Train again', exact: true }).waitFor({ timeout: TRAINING_MS });
      await page.getByRole('button', { name: /^Try / }).first().click();
      await page.getByRole('list', { name: 'Tried photos' }).getByRole('meter').first().waitFor();
      found.push(...(await violations(page, 'trained')));
      await page.getByRole('button', { name: 'Export model' }).click();
      await page.getByRole('dialog').waitFor();
      found.push(...(await violations(page, 'exporting')));
      await page.keyboard.press('Escape');

      const wider = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.ok(wider <= 0, `the page is ${wider} pixels wider than the screen`);
      assert.deepEqual(found, []);
      await page.context().close();
    });
  }
}
