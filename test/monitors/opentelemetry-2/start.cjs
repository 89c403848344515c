require('../opentelemetry.cjs')(require)
