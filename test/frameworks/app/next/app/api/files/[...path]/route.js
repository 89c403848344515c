export const GET = async (_, { params }) => Response.json((await params).path)
