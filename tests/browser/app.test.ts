/** The web app as a person uses it, from the sample photos to a saved project. */

import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { readFile } from 'node:fs/promises';
import type { Locator, Page } from 'playwright-core';
import { listPhotos, photoFolder, weightsFile } from './photos.ts';
import { openApp } from './site.ts';

const TRAINING_MS = 300_000;

const site = await openApp(['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream']);
after(() => site.close());
let page: Page;

/** The card of a class. */
function card(label: string): Locator {
  return page.getByRole('article', { name: `Class ${label}`, exact: true });
}

/** How many photos a class says that it has. */
async function count(label: string): Promise<number> {
  return Number.parseInt(await card(label).locator('.count').innerText(), 10);
}

async function train(name: 'Train' | 'Train again'): Promise<void> {
  await page.getByRole('button', { name, exact: true }).click();
  // Said to screen readers; a short training may have no other mark that is there for long.
  await page.getByText('Training finished.').waitFor({ state: 'attached', timeout: TRAINING_MS });
}

/** Lets go of files over an element, as the end of a drag. */
async function drop(target: Locator, files: string[]): Promise<void> {
  const contents = await Promise.all(
    files.map(async (file) => ({ name: path.basename(file), base64: (await readFile(file)).toString('base64') })),
  );
  const transfer = await page.evaluateHandle((contents) => {
    const transfer = new DataTransfer();
    for (const { name, base64 } of contents) {
      const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
      transfer.items.add(new File([bytes], name, { type: 'image/jpeg' }));
    }
    return transfer;
  }, contents);
  for (const type of ['dragenter', 'dragover', 'drop']) await target.dispatchEvent(type, { dataTransfer: transfer });
}

/** What the newest of the tried photos was taken for, and its bars. */
async function verdict(): Promise<{ label: string; bars: string[] }> {
  const newest = page.getByRole('list', { name: 'Tried photos' }).getByRole('listitem').first();
  const bars = newest.getByRole('meter');
  await bars.first().waitFor({ timeout: TRAINING_MS });
  return {
    label: await newest.locator('.verdict strong').innerText(),
    bars: await bars.evaluateAll((all) => all.map((bar) => `${bar.ariaLabel} ${bar.getAttribute('aria-valuetext')}`)),
  };
}

before(async () => {
  page = await site.page({ acceptDownloads: true });
  await page.getByText(/Runs on the processor/).waitFor();
});

describe('from nothing to a saved project', () => {
  test('says that nothing is uploaded, and which device it runs on', async () => {
    assert.ok(await page.getByText(/Nothing is uploaded/).isVisible());
    assert.ok(await page.getByText(/The CPU is used because/).isVisible());
    assert.equal(await page.getByRole('button', { name: 'Train', exact: true }).isDisabled(), true);
  });

  test('one click adds the sample photos, with credits', async () => {
    await page.getByRole('button', { name: 'Use sample photos' }).click();
    for (const label of ['fish', 'mammal', 'tool']) await card(label).waitFor();
    await page.locator('#adding').waitFor({ state: 'detached', timeout: 60_000 });
    for (const label of ['fish', 'mammal', 'tool']) assert.ok((await count(label)) >= 10, label);
    await page.getByRole('button', { name: 'Credits' }).click();
    const credits = page.getByRole('dialog', { name: /credits/i });
    await credits.getByRole('listitem').nth(29).waitFor();
    await page.keyboard.press('Escape');
    await credits.waitFor({ state: 'hidden' });
  });

  test('training shows its progress, its curves and the accuracy on photos it never learnt from', async (t) => {
    await train('Train');
    const told = await page.getByRole('heading', { name: /named correctly/ }).innerText();
    const figure = await page.locator('#train').locator('xpath=..').locator('.figure').innerText();
    t.diagnostic(`${figure}: ${told}`);
    assert.match(figure, /^\d+(\.\d)?\s?%$/);
    assert.ok(Number.parseFloat(figure) >= 80, 'fish, mammals and tools are told apart');
    assert.ok((await page.locator('#train').locator('xpath=..').locator('canvas, svg').count()) > 0, 'curves');
  });

  test('a dropped photo is named', async (t) => {
    const mammal = listPhotos().find(({ split, label }) => split === 'test' && label === 'mammal');
    const target = page.locator('#try').locator('xpath=..').locator('.drop');
    await drop(target, [path.join(photoFolder(), mammal?.path ?? '')]);
    const { label, bars } = await verdict();
    t.diagnostic(`${label}: ${bars.join(', ')}`);
    assert.equal(label, 'mammal');
    assert.equal(bars.length, 3);
  });

  test('it is shown where in the photo the class was seen', async () => {
    const newest = page.getByRole('list', { name: 'Tried photos' }).getByRole('listitem').first();
    const button = newest.getByRole('button', { name: 'Show where it looked' });
    await button.click();
    const marks = newest.getByRole('img', { name: 'Where it saw mammal' });
    await marks.waitFor();
    await page.waitForFunction(
      (canvas) => {
        const { width, height } = canvas as HTMLCanvasElement;
        const pixels = (canvas as HTMLCanvasElement).getContext('2d')?.getImageData(0, 0, width, height).data ?? [];
        return pixels.some((value, place) => place % 4 === 3 && value > 150);
      },
      await marks.locator('canvas').elementHandle(),
    );
    await button.click();
    await marks.waitFor({ state: 'detached' });
  });

  test('the trained model is exported', async () => {
    for (const format of ['ONNX', 'safetensors']) {
      await page.getByRole('button', { name: 'Export model' }).click();
      const dialog = page.getByRole('dialog', { name: 'Export the model' });
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        dialog.getByRole('button', { name: format }).click(),
      ]);
      assert.match(download.suggestedFilename(), new RegExp(`^fish-.*\\.${format.toLowerCase()}$`));
      assert.ok(statSync(await download.path()).size > 8e6, 'the backbone is in it');
      await dialog.waitFor({ state: 'detached' });
    }
  });

  test('a saved project opens in a new page and says the same', async () => {
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Save project' }).click(),
    ]);
    assert.match(download.suggestedFilename(), /\.rekindle$/);
    const saved = path.join(path.dirname(await download.path()), 'project.rekindle');
    await download.saveAs(saved);
    const said = await verdict();
    assert.equal(said.bars.length, 3);

    const first = page;
    page = await site.page();
    try {
      await page.getByText(/Runs on the processor/).waitFor();
      await page.getByLabel('Project file').setInputFiles(saved);
      const photo = listPhotos().find(({ split, label }) => split === 'test' && label === 'mammal');
      await page.getByRole('button', { name: 'Choose photos to try' }).isEnabled();
      await page.locator('#try').locator('xpath=..').locator('.ways:not(.waiting)').waitFor();
      await page.getByLabel('Photos to try').setInputFiles(path.join(photoFolder(), photo?.path ?? ''));
      assert.deepEqual(await verdict(), said);
    } finally {
      await page.context().close();
      page = first;
    }
  });
});

describe('changing what it learns from', () => {
  test('a photo is relabelled and another removed, and the next training takes that in', async () => {
    const [fish, tool] = [await count('fish'), await count('tool')];
    await card('fish').getByRole('list').getByRole('button').first().click();
    await page.getByRole('dialog').getByLabel('Class').selectOption('tool');
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
    await card('fish').getByRole('list').getByRole('button').first().click();
    await page.getByRole('dialog').getByRole('button', { name: 'Remove photo' }).click();
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
    assert.equal(await count('fish'), fish - 2);
    assert.equal(await count('tool'), tool + 1);
    await train('Train again');
    assert.ok(await page.getByText(/Looking at 0 new views/).isVisible(), 'views that were there are computed again');
  });

  test('a copy under another label is found, shown, and gone once it is removed', async () => {
    const source = path.join(import.meta.dirname, '../../www/public/samples/fish/03.jpg');
    await card('tool').locator('input[type=file]').setInputFiles(source);
    await page.locator('#adding').waitFor({ state: 'detached', timeout: 60_000 });
    const health = page.getByRole('region', { name: 'How good are the photos?' });
    await health.getByRole('button', { name: /Check/ }).click();
    const finding = health.locator('[data-kind=duplicatesAcrossClasses]');
    await finding.waitFor({ timeout: TRAINING_MS });
    assert.equal(await finding.getByRole('button').count(), 2);
    await finding.getByRole('button', { name: /^tool: / }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Remove photo' }).click();
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
    await health.getByRole('button', { name: 'Check again' }).click();
    await finding.waitFor({ state: 'detached', timeout: TRAINING_MS });
  });

  test('folders of photos become classes, and a file that is no image is told of', async () => {
    const photos = listPhotos().filter(({ split, label }) => split === 'train' && label === 'coin').slice(0, 3);
    const target = page.locator('#photos').locator('xpath=ancestor::section').locator('.cards > .drop');
    const own = path.join(import.meta.dirname, 'app.test.ts');
    await drop(target, [...photos.map((photo) => path.join(photoFolder(), photo.path)), own]);
    await page.getByText('1 file was not added.').waitFor({ timeout: 60_000 });
    const added = page.getByRole('article').filter({ hasText: '3 photos' });
    assert.equal(await added.count(), 1);
    const label = await added.getByRole('textbox').inputValue();
    await added.getByRole('textbox').fill('coin');
    await added.getByRole('textbox').press('Enter');
    await card('coin').waitFor();
    assert.notEqual(label, 'coin');
  });

  test('with "Learn while adding" on, a class is known as soon as it has photos', async () => {
    const of = (split: string) => listPhotos().filter((photo) => photo.split === split && photo.label === 'coin');
    const photo = path.join(photoFolder(), of('test')[0]?.path ?? '');
    const tried = page.getByRole('list', { name: 'Tried photos' }).getByRole('listitem');
    const attempt = async () => {
      const before = await tried.count();
      await page.getByLabel('Photos to try').setInputFiles(photo);
      await tried.nth(before).waitFor({ timeout: TRAINING_MS });
      return verdict();
    };
    assert.equal((await attempt()).bars.length, 3, 'coins came after the last training');
    const follow = page.getByLabel('Learn while adding');
    await follow.check();
    await card('coin').locator('input[type=file]').setInputFiles(path.join(photoFolder(), of('train')[3]?.path ?? ''));
    await page.locator('#adding').waitFor({ state: 'detached', timeout: 60_000 });
    const { label, bars } = await attempt();
    assert.deepEqual([label, bars.length], ['coin', 4]);
    await follow.uncheck();
  });

  test('the webcam adds a burst while its button is held, and names what it sees', async () => {
    const before = await count('coin');
    await card('coin').getByRole('button', { name: 'Camera for coin' }).click();
    const hold = card('coin').getByRole('button', { name: 'Hold to capture' });
    await hold.waitFor();
    await page.waitForFunction((button) => !(button as HTMLButtonElement).disabled, await hold.elementHandle());
    await hold.hover();
    await page.mouse.down();
    await page.waitForTimeout(1200);
    await page.mouse.up();
    await page.locator('#adding').waitFor({ state: 'detached' });
    assert.ok((await count('coin')) >= before + 3, 'held for over a second, it takes some photos');
    await card('coin').getByRole('button', { name: 'Camera for coin' }).click();

    await page.getByRole('button', { name: 'Live camera' }).click();
    await page.locator('.live').getByRole('meter').first().waitFor();
    await page.getByRole('button', { name: 'Stop live camera' }).click();
  });

  test('a training can be stopped, and the model from before still answers', async () => {
    const before = await verdict();
    await page.getByRole('button', { name: 'Train again', exact: true }).click();
    await page.getByRole('button', { name: 'Stop', exact: true }).click();
    await page.getByText(/Stopped\. The model from before is still there\./).waitFor();
    assert.deepEqual(await verdict(), before);
  });

  test('another network takes the photos over, and a bad file leaves everything as it was', async () => {
    const before = await count('fish');
    await page.getByText('the defaults suit most photos').click();
    const use = async (name: string, buffer: Buffer) => {
      await page.getByLabel('Weights file').setInputFiles({ name, mimeType: 'application/octet-stream', buffer });
    };
    const weights = weightsFile('squeezenet1_1.safetensors');
    await use('half.safetensors', weights.subarray(0, 100_000));
    await page.getByText('half.safetensors cannot be used.').waitFor();
    assert.ok(await page.getByText('MobileNetV2, which comes with this page.').isVisible());
    assert.ok((await verdict()).label.length > 0);

    await use('squeezenet.safetensors', weights);
    await page.getByText('squeezenet1_1, from your file.').waitFor({ timeout: 60_000 });
    assert.equal(await count('fish'), before);
    await train('Train');
    await page.getByText('Accuracy').first().waitFor();
  });
});
