// Modules are numbered in their order: a number made from their paths would differ in every checkout.
module.exports = { optimization: { moduleIds: 'natural' } };
