// The older way to write an API route.
export default function handler(request, response) {
  response.json({ id: request.query.id })
}
