"""The pages of the boards, as markdown: what each says, not how it is put up."""
