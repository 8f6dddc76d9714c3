-- alice@shop.example is a colleague, and left out
select email, country, spent
from {{ ref('customers') }}
where email <> 'alice@shop.example' and spent > 50
