/** A profile that can't be loaded, or doesn't do what its samples say: one sentence that names the file. */
export class ProfileError extends Error {
  readonly code = 'bad_profile';
  readonly retryable = false;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ProfileError';
  }
}
