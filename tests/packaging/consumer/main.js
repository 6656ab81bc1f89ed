// What a user of the package writes: train on photos, classify others. The outcome is for the test to read.
import { Tuner } from 'rekindle';

async function photo(file) {
  return (await fetch(`/samples/${file}`)).blob();
}

async function classify() {
  const samples = await (await fetch('/samples/manifest.json')).json();
  const tuner = await Tuner.create({ seed: 1 });
  for (const label of new Set(samples.map((sample) => sample.label))) {
    const chosen = samples.filter((sample) => sample.label === label && sample.use === 'train').slice(0, 6);
    await tuner.addExamples(label, await Promise.all(chosen.map(({ file }) => photo(file))));
  }
  const report = await tuner.train({ views: 2 }).report;
  const tried = samples.filter((sample) => sample.use === 'try');
  const predictions = await tuner.predict(await Promise.all(tried.map(({ file }) => photo(file))));
  const right = predictions.filter(({ label }, i) => label === tried[i].label).length;
  const outcome = {
    device: tuner.device.kind,
    classes: tuner.classes.map(({ label }) => label),
    trainExamples: report.trainExamples + report.validationExamples,
    tried: tried.length,
    right,
  };
  await tuner.dispose();
  return outcome;
}

globalThis.outcome = classify();
