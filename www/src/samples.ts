/** A photo that comes with the page. */
export interface Sample {
  /** Path below `samples/`. */
  file: string;
  label: string;
  /** `try` photos are kept back from training, to be tried on the model afterwards. */
  use: 'train' | 'try';
  author: string;
  licence: string;
  /** Page where the photo was published. */
  source: string;
}

const FOLDER = new URL('./samples/', document.baseURI);

/** The list of sample photos with their credits. */
export async function listSamples(): Promise<Sample[]> {
  return (await fetched('manifest.json')).json() as Promise<Sample[]>;
}

/** The photo itself, named by its file. */
export async function fetchSample(sample: Sample): Promise<File> {
  const blob = await (await fetched(sample.file)).blob();
  return new File([blob], sample.file.replace('/', ' '), { type: 'image/jpeg' });
}

async function fetched(path: string): Promise<Response> {
  const response = await fetch(new URL(path, FOLDER)).catch(() => null);
  if (!response?.ok) throw new Error('The sample photos could not be fetched. Check the connection and try again.');
  return response;
}
